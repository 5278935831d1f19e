/** What a queue stores as JSON, wherever a value comes from: payloads, results, progress, and values in a log. */
import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { InvalidPayload } from '../src/index.ts'
import { createWorld } from './support.ts'

class Order {
  readonly id = 7
  readonly lines: readonly string[] = ['a']
  total(): number {
    return this.#sum()
  }
  #sum(): number {
    return this.lines.length
  }
}

class Money {
  readonly currency = 'EUR'
  #cents = 500
  get cents(): number {
    return this.#cents
  }
}

/** Written nowhere, and read by nothing that JSON would call. */
const Sealed = new Function('return class Sealed { #key = 1; open = 2 }')() as new () => object
const Marked = new Function('return class Marked { open = 2\n  #key\n  #helper() {} }')() as new () => object

class Invoice extends Money {
  readonly number = 1
}

class Opaque {
  get cents(): number {
    return 5
  }
}

function* numbers(): Generator<number> {
  yield 1
}

const lost: [string, unknown, string][] = [
  ['NaN', { items: [{}, { price: Number.NaN }] }, 'NaN at items[1].price'],
  ['Infinity', Number.POSITIVE_INFINITY, 'Infinity'],
  ['a Map', { 'by id': new Map([[1, 2]]) }, 'the kind Map at ["by id"]'],
  ['a Set', [new Set([1])], 'the kind Set at [0]'],
  ['a promise', { user: Promise.resolve(1) }, 'the kind Promise at user'],
  ['an error', { error: new Error('x') }, 'the kind Error at error'],
  ['an error with fields', Object.assign(new Error('x'), { code: 'E' }), 'the kind Error'],
  ['a response', { answer: new Response('x') }, 'the kind Response at answer'],
  ['a generator', { all: numbers() }, 'the kind Generator at all'],
  ['an iterator', { all: [1].values() }, 'without own fields at all'],
  ['a function in a list', { a: { all: [() => {}] } }, 'a function at a.all[0]'],
  ['a symbol', { kind: Symbol('x') }, 'a symbol at kind'],
  ['private fields', { price: new Money() }, 'an instance of Money with private fields at price'],
  ['private fields that are only declared', new Sealed(), 'an instance of Sealed with private fields'],
  ['a private field without a value', new Marked(), 'an instance of Marked with private fields'],
  ['inherited private fields', new Invoice(), 'an instance of Invoice with private fields'],
  ['an object without fields', { price: new Opaque() }, 'an instance of Opaque without own fields at price'],
  ['bytes', { bytes: Buffer.from('x') }, 'Uint8Array at bytes'],
]

const kept: [string, unknown][] = [
  ['primitives', [null, true, 0, -1.5, '', 'x']],
  ['nested objects', { a: { b: [{ c: null }] } }],
  ['objects without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ['what is undefined', { a: undefined, b: [undefined, 1] }],
  ['methods of an object', { a: 1, run: () => {} }],
  ['dates', { at: new Date(1e12) }],
  ['what makes JSON of itself', { url: new URL('https://example.org/x') }],
  ['public fields of an instance', new Order()],
  ['boxed values', [new String('x'), new Number(5)]],
]

describe('what JSON would lose', () => {
  it.each(lost)('is refused everywhere, and named: %s', async (_, value, where) => {
    const { open, run } = createWorld()
    const queue = open({ maxAttempts: 1 })
    const enqueued = queue.enqueue(value)
    await expect(enqueued).rejects.toThrow(InvalidPayload)
    await expect(enqueued).rejects.toThrow(where)
    const { id } = await run(queue.enqueue('x'))
    queue.process((_message, { progress, log }) => {
      for (const report of [() => progress(value), () => log(value as string)]) {
        expect(report).toThrow(InvalidOption)
        expect(report).toThrow(where)
      }
      return value
    })
    await run(queue.drain())
    // A promise as the whole result is awaited.
    const failures = [{ name: 'InvalidResult', message: expect.stringContaining(where) }]
    expect(await run(queue.get(id))).toMatchObject({ status: 'dead', failures })
    await run(queue.close())
  })
})

describe('what JSON keeps', () => {
  it.each(kept)('is taken everywhere: %s', async (_, value) => {
    const { open, run } = createWorld()
    const queue = open()
    const json: unknown = JSON.parse(JSON.stringify(value))
    const { id } = await run(queue.enqueue(value))
    queue.process(({ payload }, { progress, log }) => {
      expect(payload).toEqual(json)
      progress(value)
      log(value as string)
      return value
    })
    await run(queue.drain())
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    expect(await run(queue.get(id))).toMatchObject({ status: 'completed', result: json, progress: json, log: [text] })
    await run(queue.close())
  })
})
