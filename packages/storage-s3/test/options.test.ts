import { S3Client } from '@aws-sdk/client-s3'
import { InvalidOption, UnsupportedStore } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createS3Store } from '../src/index.ts'
import { resolveS3StoreOptions, type S3StoreOptions } from '../src/options.ts'

test('defaults', () => {
  const { clock, ...resolved } = resolveS3StoreOptions({ bucket: 'b' })
  expect(clock.now()).toEqual(expect.any(Number))
  expect(resolved).toEqual({
    bucket: 'b',
    keyPrefix: '',
    region: undefined,
    endpoint: undefined,
    credentials: undefined,
    forcePathStyle: false,
    client: undefined,
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 3_000,
    maxConnections: 64,
    idleTimeoutMs: 10_000,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    quoteETags: true,
  })
})

test('an endpoint brings path style and a region', () => {
  const options = { bucket: 'b', endpoint: 'http://127.0.0.1:9000' }
  expect(resolveS3StoreOptions(options)).toMatchObject({ forcePathStyle: true, region: 'us-east-1' })
  const told = { ...options, forcePathStyle: false, region: 'auto' }
  expect(resolveS3StoreOptions(told)).toMatchObject({ forcePathStyle: false, region: 'auto' })
})

test.each([
  [undefined, '', 's3://b'],
  ['', '', 's3://b'],
  ['a', 'a/', 's3://b/a'],
  ['a/b/', 'a/b/', 's3://b/a/b'],
])('prefix %j', (prefix, keyPrefix, description) => {
  expect(resolveS3StoreOptions({ bucket: 'b', prefix }).keyPrefix).toBe(keyPrefix)
  expect(createS3Store({ bucket: 'b', prefix }).description).toBe(description)
})

test.each<[string, object, RegExp]>([
  ['a typo', { buckett: 'b' }, /Did you mean "bucket"/],
  ['no bucket', {}, /"bucket"/],
  ['a bucket with a path', { bucket: 'b/c' }, /"bucket"/],
  ['a prefix with an empty segment', { bucket: 'b', prefix: 'a//b' }, /"prefix"/],
  ['a prefix that begins with a slash', { bucket: 'b', prefix: '/a' }, /"prefix"/],
  ['a lone slash', { bucket: 'b', prefix: '/' }, /"prefix"/],
  ['an endpoint without a scheme', { bucket: 'b', endpoint: '127.0.0.1:9000' }, /http:\/\/ or https:\/\//],
  ['an endpoint with a query', { bucket: 'b', endpoint: 'http://h?x=1' }, /nothing behind its path/],
  ['no time', { bucket: 'b', requestTimeoutMs: 0 }, /"requestTimeoutMs"/],
  ['no time to be idle', { bucket: 'b', idleTimeoutMs: 0 }, /"idleTimeoutMs"/],
  ['half a connection', { bucket: 'b', maxConnections: 0.5 }, /"maxConnections"/],
  ['text for a flag', { bucket: 'b', forcePathStyle: 'yes' }, /"forcePathStyle"/],
  ['an unknown policy', { bucket: 'b', requestChecksumCalculation: 'NEVER' }, /WHEN_REQUIRED/],
  [
    'a client and a region',
    { bucket: 'b', client: new S3Client({}), region: 'x' },
    /"region" cannot be given beside "client"/,
  ],
])('refused: %s', (_name, options, words) => {
  // What JavaScript can pass and TypeScript would not let through.
  const create = (): unknown => createS3Store(options as S3StoreOptions)
  expect(create).toThrow(InvalidOption)
  expect(create).toThrow(words)
})

test.each(['things--use1-az4--x-s3', 'arn:aws:s3::123456789012:accesspoint/m.mrap'])('unsupported: %s', (bucket) => {
  expect(() => createS3Store({ bucket })).toThrow(UnsupportedStore)
})

test('access points are buckets too', () => {
  const bucket = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/queues'
  expect(createS3Store({ bucket }).description).toBe(`s3://${bucket}`)
})
