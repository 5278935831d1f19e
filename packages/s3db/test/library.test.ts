/** What the library says, and what we make of it: where its objects are, and what its errors mean. */
import { isKeySegment } from '@s3queue/storage'
import { Database } from 's3db.js'
import { describe, expect, it } from 'vitest'
import {
  classifyLibraryError,
  encodeKeySegment,
  locateStore,
  metadataOf,
  ownAttributes,
  QueueError,
  type S3dbClient,
} from '../src/index.ts'
import { openWorld } from './world.ts'

describe('where a database is', () => {
  const locate = async (connectionString: string): Promise<ReturnType<typeof locateStore>> => {
    const db = new Database({ connectionString, logLevel: 'silent' } as ConstructorParameters<typeof Database>[0])
    await db.ensureClientInitialized()
    const client: S3dbClient = db.client
    return locateStore(client)
  }

  it('is read from its real client', async () => {
    expect(await locate('s3://KEY:SECRET@bucket/a/b')).toMatchObject({
      ...{ kind: 's3', bucket: 'bucket', prefix: 'a/b', endpoint: undefined },
      credentials: { accessKeyId: 'KEY', secretAccessKey: 'SECRET' },
    })
    expect(await locate('http://KEY:SE%2FCRET@127.0.0.1:9000/bucket/a')).toMatchObject({
      ...{ kind: 's3', bucket: 'bucket', prefix: 'a', endpoint: 'http://127.0.0.1:9000', forcePathStyle: true },
      credentials: { secretAccessKey: 'SE/CRET' },
    })
    expect(await locate('s3://bucket')).toMatchObject({ kind: 's3', prefix: '', credentials: undefined })
    expect(await locate('memory://bucket/a')).toMatchObject({ kind: 'memory', prefix: 'a' })
    expect(await locate('file:///tmp/somewhere')).toEqual({ kind: 'file', directory: '/tmp/somewhere' })
    expect(await locate('memory://bucket/my app (é)/b')).toMatchObject({ prefix: '@=my=20app=20=28=C3=A9=29/b' })
    expect(locateStore({ config: { bucket: 'x', endpoint: 'sqlite:///x' } })).toMatchObject({ kind: 'unknown' })
  })
})

describe('names as parts of keys', () => {
  const names = [
    'a b',
    'a:b',
    'a(b)',
    '~a',
    'é',
    'e\u0301',
    '.a',
    '',
    'a/b',
    'a%20b',
    '@=a=20b',
    '@=',
    '@a',
    '=a',
    'plugin=a',
    'a',
    '😀',
    'a+b@c,d',
  ]

  it('are keys of every store, and different for different names', () => {
    const encoded = names.map(encodeKeySegment)
    expect(encoded.filter((segment) => !isKeySegment(segment))).toEqual([])
    expect(new Set(encoded).size).toBe(names.length)
  })

  it('stay as they are where that is possible', () => {
    for (const name of ['@a', '=a', 'plugin=a', 'a', 'a+b@c,d']) expect(encodeKeySegment(name)).toBe(name)
  })
})

describe('what its errors mean', () => {
  it('as they really come', async () => {
    const { tasks } = await openWorld()
    await tasks.insert({ id: 'a', type: 'x' })
    const errorOf = (call: Promise<unknown>): Promise<unknown> =>
      call.then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(classifyLibraryError(await errorOf(tasks.insert({ id: 'a', type: 'x' })))).toBe('exists')
    expect(classifyLibraryError(await errorOf(tasks.get('nobody')))).toBe('missing')
    expect(classifyLibraryError(await errorOf(tasks.insert({ type: 7 })))).toBe('other')
  })

  it.each([
    [{ name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } }, 'unavailable'],
    [{ message: 'wrapped', statusCode: 500, original: { name: 'ServiceUnavailable' } }, 'unavailable'],
    [{ code: 'ECONNREFUSED' }, 'unavailable'],
    [{ name: 'Error', $metadata: { httpStatusCode: 502 } }, 'unavailable'],
    [{ code: 'InternalError', original: new SyntaxError('no JSON') }, 'other'],
    [{ code: 'InternalError', $metadata: { httpStatusCode: 500 }, cause: new SyntaxError('no XML') }, 'unavailable'],
    [{ code: 'ENOENT' }, 'missing'],
    [{ statusCode: 412 }, 'exists'],
    [new TypeError('x is undefined'), 'other'],
    [undefined, 'other'],
  ])('%o', (error, kind) => {
    expect(classifyLibraryError(error)).toBe(kind)
  })
})

it('a record’s own attributes are told from what the library adds', () => {
  const record = { id: 'a', type: 'x', _own: 1, _etag: '"1"', _v: 'v1', metadata_updatedat: 'now', gone: undefined }
  expect(ownAttributes(record)).toEqual({ id: 'a', type: 'x', _own: 1 })
  expect(metadataOf(record)).toEqual({ etag: '"1"', v: 'v1' })
})

it('a QueueError is all plain data', () => {
  const error = new QueueError('no', { statusCode: 409, suggestion: 'Wait.', metadata: { a: 1 } })
  expect(error.toJson()).toMatchObject({
    name: 'QueueError',
    message: 'no',
    statusCode: 409,
    retriable: false,
    metadata: { a: 1 },
  })
})
