/**
 * A store in one line of configuration. No message of this file repeats the text it was given: that may hold a secret,
 * also where it is no URL at all.
 */
import { InvalidOption, nearestName } from '@s3queue/storage'
import type { S3StoreOptions } from './options.ts'

const OWNER = 'parseS3Url'
const PARAMETERS = ['region', 'tls', 'forcePathStyle'] as const
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/**
 * Options for `createS3Store` from a URL. A port is what tells a server from a bucket:
 *
 * | URL | means |
 * |---|---|
 * | `s3://bucket/prefix` | AWS, with the SDK's own way to find credentials |
 * | `s3://KEY:SECRET@bucket/prefix` | AWS, with these keys |
 * | `s3://KEY:SECRET@host:9000/bucket/prefix` | a server, over https; over http when it is on this machine, or with `?tls=false` |
 * | `http://KEY:SECRET@host:9000/bucket/prefix` | a server, over http; likewise `https://`, both also without a port |
 *
 * `?region=eu-west-1` sets the region, `?forcePathStyle=false` puts the bucket into the host name. Characters such as `/`, `@`,
 * `:`, `+` and `%` in keys and secrets are percent-encoded. Throws `InvalidOption`.
 */
export function parseS3Url(url: string): S3StoreOptions {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined) throw problem('is no URL. In keys and secrets, write / as %2F, + as %2B, @ as %40.')
  const { protocol, hostname, port, pathname, searchParams, hash } = parsed
  if (!/^(s3|https?):$/.test(protocol)) throw problem('must begin with s3://, http:// or https://.')
  if (hostname === '') throw problem('names no bucket.')
  if (hash !== '') throw problem('must not have a # in it: write it as %23.')
  const parameters = readParameters(searchParams)
  const credentials = readCredentials(parsed)
  const path = decodeURIComponent(pathname).replace(/^\//, '').replace(/\/$/, '')
  const shared = {
    ...(credentials === undefined ? {} : { credentials }),
    ...(parameters.region === undefined ? {} : { region: parameters.region }),
    ...(parameters.forcePathStyle === undefined ? {} : { forcePathStyle: parameters.forcePathStyle }),
  }
  if (protocol === 's3:' && port === '') {
    if (parameters.tls !== undefined) throw problem('has "tls", but no server: AWS is always reached over https.')
    return { bucket: decodeURIComponent(hostname), ...prefixOf(path), ...shared }
  }
  const [bucket = '', ...rest] = path.split('/')
  if (bucket === '') throw problem('names a server, but no bucket behind it.')
  const scheme = schemeOf(protocol, hostname, parameters.tls)
  const endpoint = `${scheme}://${hostname}${port === '' ? '' : `:${port}`}`
  return { bucket, ...prefixOf(rest.join('/')), endpoint, ...shared }
}

function schemeOf(protocol: string, hostname: string, tls: boolean | undefined): 'http' | 'https' {
  if (protocol === 's3:') return (tls ?? !LOOPBACK.test(hostname)) ? 'https' : 'http'
  if (tls !== undefined) throw problem('has "tls", but says http or https already.')
  return protocol === 'http:' ? 'http' : 'https'
}

function prefixOf(path: string): { prefix?: string } {
  return path === '' ? {} : { prefix: path }
}

function readCredentials({ username, password }: URL): { accessKeyId: string; secretAccessKey: string } | undefined {
  if (username === '' && password === '') return undefined
  if (username === '' || password === '') throw problem('must give both, a key and a secret, or neither.')
  return { accessKeyId: decodeURIComponent(username), secretAccessKey: decodeURIComponent(password) }
}

interface Parameters {
  region?: string
  tls?: boolean
  forcePathStyle?: boolean
}

function readParameters(search: URLSearchParams): Parameters {
  const parameters: Parameters = {}
  for (const [name, value] of search) {
    if (name === 'region') parameters.region = readText(name, value)
    else if (name === 'tls') parameters.tls = readBoolean(name, value)
    else if (name === 'forcePathStyle') parameters.forcePathStyle = readBoolean(name, value)
    else throw problem(`has a parameter that is not known${nearby(name)}. Known: ${PARAMETERS.join(', ')}.`)
  }
  return parameters
}

function nearby(name: string): string {
  const nearest = nearestName(name, PARAMETERS)
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}

function readText(name: string, value: string): string {
  if (value === '') throw problem(`must have a value for "${name}".`)
  return value
}

function readBoolean(name: string, value: string): boolean {
  if (value === 'true') return true
  if (value === 'false') return false
  throw problem(`must have true or false as "${name}".`)
}

function problem(words: string): InvalidOption {
  return new InvalidOption(OWNER, 'url', words)
}
