import { StoreError } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { readArguments } from './command/arguments.ts'
import { createProgress } from './command/progress.ts'
import { formatTable, putTable } from './command/table.ts'
import { judge } from './model/judge.ts'
import { measureScale, type ScaleRow } from './model/measure.ts'
import { withRequestLimits } from './model/request-limits.ts'

const quiet = (): void => {}

describe('ten pods on one queue', () => {
  it('cost next to nothing while nothing happens, and keep their promises', async () => {
    const row = await measureScale({
      ...{
        pods: 10,
        messagesPerSecond: 0,
        handlerMs: 100,
        seed: 1,
        warmUpMs: 300_000,
        measureMs: 300_000,
        onProgress: quiet,
      },
    })
    expect(judge(row)).toEqual([])
    const { put, get, list } = row.perSecond
    // The signs of life of ten workers and of the writer; reads of each mailbox each second, and of the bell by the writer and two deputies; of the lease.
    expect(put).toBeLessThan(0.2)
    expect(get).toBeLessThan(13)
    expect(row.dollarsPerMonth).toBeLessThanOrEqual(2.5 * 10)
    expect(list).toBeLessThan(0.1)
  })

  it('need less than four requests for each message while few come, and keep their promises', async () => {
    const row = await measureScale({
      ...{
        pods: 10,
        messagesPerSecond: 20,
        handlerMs: 100,
        seed: 1,
        warmUpMs: 10_000,
        measureMs: 10_000,
        onProgress: quiet,
      },
    })
    expect(judge(row)).toEqual([])
    const { put, get, list, delete: deletes } = row.perSecond
    expect(put + get + list + deletes).toBeLessThan(80)
    expect(row.p50).toBeLessThan(400)
    expect(row.p99).toBeLessThan(1000)
    expect(row.afterCloseMs).toBeLessThan(1000)
  })
})

describe('ten pods with long handlers', () => {
  it.each([
    [1000, 50],
    [10_000, 10],
  ])('keep their promises with handlers of %i ms, %i messages per second', async (handlerMs, messagesPerSecond) => {
    const row = await measureScale({
      ...{ pods: 10, messagesPerSecond, handlerMs, seed: 1, warmUpMs: 20_000, measureMs: 20_000, onProgress: quiet },
    })
    expect(judge(row)).toEqual([])
    expect(row.p99).toBeLessThan(2000)
  })
})

describe('the limits of the model', () => {
  it('refuse what is too much, and let through as much as comes back', async () => {
    const clock = createManualClock()
    const store = withRequestLimits(createMemoryStore(), clock, { writesPerSecond: 4, readsPerSecond: 2 })
    const outcomes = async (count: number): Promise<string[]> =>
      Promise.all(
        Array.from({ length: count }, () =>
          store.get('a').then(
            ({ outcome }) => outcome,
            (error: unknown) => (error instanceof StoreError ? error.code : 'FAILED'),
          ),
        ),
      )
    expect(await outcomes(3)).toEqual(['not-found', 'not-found', 'THROTTLED'])
    await clock.advance(500)
    expect(await outcomes(2)).toEqual(['not-found', 'THROTTLED'])
    await expect(store.delete(['a', 'b', 'c', 'd', 'e'])).rejects.toThrow('503')
    await store.delete(['a', 'b', 'c', 'd'])
    const put = await store.put('a', new Uint8Array(1), { condition: { kind: 'overwrite' } })
    expect(put.outcome).toBe('unknown')
    expect(store.load()).toEqual({ refused: 4, mostWrites: 10, mostReads: 5 })
    store.reset()
    expect(store.load()).toEqual({ refused: 0, mostWrites: 0, mostReads: 0 })
  })
})

const ROW: ScaleRow = {
  ...{
    pods: 1000,
    messagesPerSecond: 100,
    handlerMs: 10_000,
    dollarsPerMonth: 1234.5,
    p50: 321,
    p99: 1500,
    backlog: 7,
  },
  ...{
    perSecond: { put: 1.25, get: 1234, list: 10, delete: 0 },
    afterCloseMs: 999,
    afterKillMs: 5_000,
    takeOverMs: 4_500,
  },
  load: { refused: 0, mostWrites: 50, mostReads: 2000 },
}

describe('the command', () => {
  it('names what is not kept', () => {
    expect(judge(ROW)).toEqual([])
    const load = { refused: 3, mostWrites: 3501, mostReads: 5501 }
    expect(judge({ ...ROW, load, backlog: 201, takeOverMs: 8_001, afterKillMs: 11_002 })).toEqual(
      [
        '3 requests were refused',
        '3501 writes in a second',
        '5501 reads in a second',
        '201 messages wait',
        'no other process wrote for 8001 ms after a crash of the writer',
        'the next message waited for 3001 ms after the take-over',
      ].map((what) => `1000 pods, 100 messages per second, handlers of 10000 ms: ${what}`),
    )
  })

  it('puts its table into a page', () => {
    const table = formatTable([ROW])
    expect(table.split('\n')[2]).toBe(
      '| 1,000 | 100 | 10.0 s | 1.3 | 1,234 | 10 | 0.0 | 50 | 2,000 | 0 | 1,235 | 321 ms | 1.5 s | 999 ms | 5.0 s | 4.5 s |',
    )
    const page = 'before\n<!-- scale: table -->\nold\n<!-- scale: end -->\nafter'
    expect(putTable(page, table)).toBe(`before\n<!-- scale: table -->\n${table}\n<!-- scale: end -->\nafter`)
    expect(() => putTable('nothing', table)).toThrow('no place')
  })

  it('reads its arguments', () => {
    expect(readArguments(['--', '--pods', '10,20', '--rate', '0'])).toMatchObject({
      pods: [10, 20],
      rates: [0],
      handlersMs: [100, 1000, 10_000],
      write: false,
    })
    expect(readArguments(['--write'])).toMatchObject({ pods: [10, 100, 1000], rates: [0, 100, 1000], write: true })
    expect(readArguments(['--handler', '1000'])).toMatchObject({ handlersMs: [1000] })
    expect(() => readArguments(['--write', '--handler', '1000'])).toThrow('leave out')
    expect(() => readArguments(['--pods', '2'])).toThrow('--pods takes whole numbers from 3')
    expect(() => readArguments(['--rate', '1,x'])).toThrow('not "1,x"')
    expect(() => readArguments(['--write', '--pods', '10'])).toThrow('leave out')
  })

  it('says how far it is, not too often where lines stay', () => {
    const lines: string[] = []
    let now = 0
    const progress = createProgress({ write: (text) => lines.push(text) }, () => now)
    const step = progress.begin('ten pods')
    step('1 %')
    step('2 %')
    now = 10_000
    step('3 %')
    progress.end()
    expect(lines).toEqual(['ten pods: 1 % (0 s)\n', 'ten pods: 3 % (10 s)\n'])
  })
})
