import { describe, expect, test } from 'vitest'
import {
  AccessDenied,
  assertDeleteKeys,
  assertKey,
  assertPrefix,
  InvalidRequest,
  isKeySegment,
  NoSuchBucket,
  resolveListOptions,
  StoreError,
  StoreUnavailable,
  Throttled,
  UnknownOutcome,
  UnsupportedStore,
} from '../../src/index.ts'

describe('store errors', () => {
  test.each([
    [new Throttled('m', { key: 'k', retryAfterMs: 5 }), 'THROTTLED', true],
    [new AccessDenied('m', { key: 'k' }), 'ACCESS_DENIED', false],
    [new NoSuchBucket('m', { key: 'k' }), 'NO_SUCH_BUCKET', false],
    [new UnsupportedStore('m', { key: 'k' }), 'UNSUPPORTED_STORE', false],
    [new StoreUnavailable('m', { key: 'k' }), 'STORE_UNAVAILABLE', true],
    [new InvalidRequest('m', { key: 'k' }), 'INVALID_REQUEST', false],
    [new UnknownOutcome('m', { key: 'k' }), 'UNKNOWN_OUTCOME', true],
  ])('%s has its code and says whether to try again', (error, code, retriable) => {
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code, retriable, message: 'm', key: 'k', name: error.constructor.name })
    expect(error).not.toHaveProperty('cause')
  })

  test('keep their cause', () => {
    const cause = new Error('socket')
    expect(new StoreUnavailable('m', { cause }).cause).toBe(cause)
  })
})

describe('keys', () => {
  test('have segments that work everywhere', () => {
    for (const good of ['a', 'A.b-c_d=e@f+g,h', '-', '0'.repeat(255)]) expect(isKeySegment(good), good).toBe(true)
    for (const bad of ['', '.', '..', '.a', 'a b', 'a/b', 'ä', '*', '%41', 'a\n', '0'.repeat(256)]) {
      expect(isKeySegment(bad), bad).toBe(false)
    }
  })

  test('may be 1,024 bytes long', () => {
    const key = 'abc/'.repeat(256)
    expect(() => assertKey(`${key.slice(0, -1)}d`)).not.toThrow()
    expect(() => assertKey(`${key}d`)).toThrow(InvalidRequest)
  })

  test('prefixes are empty or end in a slash', () => {
    for (const good of ['', 'a/', 'a/b/']) expect(() => assertPrefix(good)).not.toThrow()
    for (const bad of ['a', '/', 'a//', './']) expect(() => assertPrefix(bad), bad).toThrow(InvalidRequest)
  })
})

describe('requests', () => {
  test('a list has its default limit, and bounds', () => {
    expect(resolveListOptions({ prefix: 'a/' })).toEqual({
      prefix: 'a/',
      startAfter: undefined,
      limit: 1_000,
      signal: undefined,
    })
    expect(resolveListOptions({ prefix: '', limit: 1, startAfter: 'a~' })).toMatchObject({ limit: 1, startAfter: 'a~' })
    for (const limit of [0, 1_001, 0.5]) expect(() => resolveListOptions({ prefix: '', limit })).toThrow('1 to 1000')
    expect(() => resolveListOptions({ prefix: '', startAfter: 'ä' })).toThrow('printable ASCII')
  })

  test('a delete has at most 1,000 usable keys', () => {
    expect(() => assertDeleteKeys(Array.from({ length: 1_000 }, () => 'a'))).not.toThrow()
    expect(() => assertDeleteKeys(Array.from({ length: 1_001 }, () => 'a'))).toThrow('not 1001')
    expect(() => assertDeleteKeys(['a', ''])).toThrow(InvalidRequest)
  })
})
