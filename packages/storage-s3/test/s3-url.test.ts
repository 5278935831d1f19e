import { describe, expect, test } from 'vitest'
import { parseS3Url } from '../src/index.ts'

const credentials = { accessKeyId: 'KEY', secretAccessKey: 'SECRET' }

describe('AWS', () => {
  test.each([
    ['s3://bucket', { bucket: 'bucket' }],
    ['s3://bucket/', { bucket: 'bucket' }],
    ['s3://bucket/a/b', { bucket: 'bucket', prefix: 'a/b' }],
    ['s3://bucket/a/b/', { bucket: 'bucket', prefix: 'a/b' }],
    ['s3://my.bucket-1/a?region=eu-west-1', { bucket: 'my.bucket-1', prefix: 'a', region: 'eu-west-1' }],
    ['s3://KEY:SECRET@bucket/a', { bucket: 'bucket', prefix: 'a', credentials }],
    [
      's3://KEY:a%2Fb%2Bc%40d%3A@bucket',
      { bucket: 'bucket', credentials: { accessKeyId: 'KEY', secretAccessKey: 'a/b+c@d:' } },
    ],
  ])('%s', (url, options) => {
    expect(parseS3Url(url)).toEqual(options)
  })
})

describe('servers', () => {
  test.each([
    ['s3://KEY:SECRET@127.0.0.1:9000/bucket', { bucket: 'bucket', endpoint: 'http://127.0.0.1:9000', credentials }],
    [
      's3://KEY:SECRET@localhost:9000/bucket/a',
      { bucket: 'bucket', prefix: 'a', endpoint: 'http://localhost:9000', credentials },
    ],
    ['s3://KEY:SECRET@[::1]:9000/bucket', { bucket: 'bucket', endpoint: 'http://[::1]:9000', credentials }],
    [
      's3://KEY:SECRET@s3.example.com:443/bucket',
      { bucket: 'bucket', endpoint: 'https://s3.example.com:443', credentials },
    ],
    ['s3://KEY:SECRET@minio:9000/bucket?tls=false', { bucket: 'bucket', endpoint: 'http://minio:9000', credentials }],
    [
      's3://KEY:SECRET@localhost:9000/bucket?tls=true',
      { bucket: 'bucket', endpoint: 'https://localhost:9000', credentials },
    ],
    ['s3://minio:9000/bucket', { bucket: 'bucket', endpoint: 'https://minio:9000' }],
    [
      'http://KEY:SECRET@minio:9000/bucket/a/b',
      { bucket: 'bucket', prefix: 'a/b', endpoint: 'http://minio:9000', credentials },
    ],
    [
      'https://KEY:SECRET@account.r2.cloudflarestorage.com/bucket?region=auto&forcePathStyle=true',
      {
        bucket: 'bucket',
        endpoint: 'https://account.r2.cloudflarestorage.com',
        region: 'auto',
        forcePathStyle: true,
        credentials,
      },
    ],
  ])('%s', (url, options) => {
    expect(parseS3Url(url)).toEqual(options)
  })
})

test.each([
  ['', /is no URL/],
  ['bucket/prefix', /is no URL/],
  ['file:///tmp', /must begin with s3:/],
  ['s3:///prefix', /names no bucket/],
  ['s3://host:9000', /no bucket behind it/],
  ['s3://host:9000/', /no bucket behind it/],
  ['https://host', /no bucket behind it/],
  ['s3://KEY@bucket', /both, a key and a secret/],
  ['s3://bucket#x', /%23/],
  ['s3://bucket?tls=true', /no server/],
  ['http://host/bucket?tls=true', /says http or https already/],
  ['s3://host:1/bucket?tls=yes', /true or false/],
  ['s3://bucket?regoin=x', /did you mean region\?/],
  ['s3://bucket?region=', /must have a value for "region"/],
])('refused: %s', (url, words) => {
  expect(() => parseS3Url(url)).toThrow(words)
})
