import { describe, expect, test } from 'vitest'
import { assertKnownKeys, InvalidOption, nearestName, numberOption } from '../../src/index.ts'

describe('assertKnownKeys', () => {
  test('lets known keys pass, also when they are undefined', () => {
    expect(() => assertKnownKeys('open', { lingerMs: 5, name: undefined }, ['lingerMs', 'name', 'other'])).not.toThrow()
  })

  test('names the owner, the unknown key, the one that was meant and all there are', () => {
    const attempt = (): void => assertKnownKeys('open', { lingersMs: 5 }, ['name', 'lingerMs'])
    expect(attempt).toThrow(InvalidOption)
    expect(attempt).toThrow(
      'open: the option "lingersMs" is not known. Did you mean "lingerMs"? Known: name, lingerMs.',
    )
  })

  test.each([
    [null, 'null'],
    [[], 'an array'],
    ['x', 'a string'],
    [Promise.resolve({ x: 1 }), 'a Promise. Await it first'],
    [new Map([['x', 1]]), 'a Map'],
    [new Date(0), 'a Date'],
    [new Uint8Array(1), 'an Uint8Array'],
    [new Error('x'), 'an Error'],
  ])('refuses %o for options', (given, what) => {
    expect(() => assertKnownKeys('open', given as never, ['x'])).toThrow(`must be an object, not ${what}.`)
  })

  test('takes objects of a class and those without a prototype', () => {
    class Options {
      readonly x = 1
    }
    const bare: object = Object.assign(Object.create(null), { x: 1 })
    for (const options of [new Options(), bare, {}]) expect(() => assertKnownKeys('open', options, ['x'])).not.toThrow()
  })

  test('guesses nothing where nothing is near', () => {
    expect(() => assertKnownKeys('open', { zebra: 1 }, ['lingerMs'])).toThrow('is not known. Known: lingerMs.')
  })
})

describe('numberOption', () => {
  test('takes the fallback for undefined alone', () => {
    expect(numberOption('open', 'n', undefined, 7)).toBe(7)
    expect(numberOption('open', 'n', 0, 7)).toBe(0)
  })

  test.each([
    [-1, {}],
    [Number.NaN, {}],
    [Number.POSITIVE_INFINITY, {}],
    [1.5, { integer: true }],
    [0, { min: 1 }],
    [11, { max: 10 }],
  ])('rejects %d within %o', (value, bounds) => {
    expect(() => numberOption('open', 'n', value, 7, bounds)).toThrow(InvalidOption)
  })

  test('says what would be right', () => {
    const attempt = (): number => numberOption('open', 'shards', 0.5, 1, { min: 1, max: 64, integer: true })
    expect(attempt).toThrow('open: the option "shards" must be a whole number from 1 to 64, not 0.5.')
    const text: unknown = '5'
    expect(() => numberOption('open', 'n', text as number, 1)).toThrow('must be a number of at least 0, not 5.')
  })
})

describe('nearestName', () => {
  const names = ['visibilityTimeoutMs', 'concurrency', 'lingerMs']

  test.each([
    ['visibilityTimeout', 'visibilityTimeoutMs'],
    ['visiblityTimeoutMs', 'visibilityTimeoutMs'],
    ['concurency', 'concurrency'],
    ['CONCURRENCY', 'concurrency'],
    ['linger', 'lingerMs'],
    ['payload', undefined],
    ['x', undefined],
  ])('%s → %s', (given, expected) => {
    expect(nearestName(given, names)).toBe(expected)
  })
})
