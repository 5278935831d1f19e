import { describe, expect, test } from 'vitest'
import {
  create,
  FAULT_KINDS,
  FAULTS_OF,
  type Fault,
  InvalidOption,
  ifMatch,
  overwrite,
  REQUEST_KINDS,
  type StoreOperation,
  seededFaults,
  seededRandom,
  withFaults,
} from '../../src/index.ts'
import { createManualClock, createReferenceStore, type ManualClock } from '../../src/testing/index.ts'
import { bytes } from '../bytes.ts'

const operations: Record<StoreOperation['kind'], StoreOperation> = {
  get: { kind: 'get', key: 'a' },
  put: { kind: 'put', key: 'a', condition: create },
  delete: { kind: 'delete', keys: ['a'] },
  list: { kind: 'list', prefix: '' },
  notify: { kind: 'notify', key: 'a/' },
}
const everything = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0.05]))

describe('seededFaults', () => {
  test.each([...REQUEST_KINDS, 'notify' as const])('gives a %s the faults there are for it, at their rates', (kind) => {
    const plan = seededFaults(seededRandom(3), everything)
    const counts = new Map<string, number>()
    const requests = 20_000
    for (let i = 0; i < requests; i++) {
      const fault = plan.next(operations[kind])
      if (fault) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(FAULTS_OF[kind].toSorted())
    for (const [name, count] of counts) expect(count / requests, name).toBeCloseTo(0.05, 2)
  })

  test('draws both variants and keeps its times within their bounds', () => {
    const plan = seededFaults(
      seededRandom(3),
      { conflict: 0.3, 'double-send': 0.3, 'late-apply': 0.3 },
      { lateMs: 50, gapMs: 9 },
    )
    const faults = Array.from({ length: 2_000 }, () => plan.next(operations.put)).filter((fault) => fault !== undefined)
    const seen = (test: (fault: Fault) => boolean): number => faults.filter(test).length
    for (const applied of [true, false]) {
      expect(seen((fault) => fault.kind === 'conflict' && fault.applied === applied)).toBeGreaterThan(200)
    }
    for (const answer of ['first', 'second'] as const) {
      expect(seen((fault) => fault.kind === 'double-send' && fault.answer === answer)).toBeGreaterThan(200)
    }
    expect(seen((fault) => fault.kind === 'late-apply' && fault.applyMs >= 50)).toBe(0)
    expect(seen((fault) => fault.kind === 'double-send' && fault.gapMs >= 9)).toBe(0)
  })

  test('repeats a run for the same seed, and makes another for another', async () => {
    const [first, again, other] = [await history(1), await history(1), await history(2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })

  test('refuses rates and times that are none', () => {
    const random = seededRandom(1)
    expect(() => seededFaults(random, { throttled: 1.5 })).toThrow(InvalidOption)
    expect(() => seededFaults(random, { throttled: 0.6, latency: 0.6 })).toThrow('add up')
    const misspelt: object = { trottled: 0.1 }
    expect(() => seededFaults(random, misspelt)).toThrow('"throttled"')
    expect(() => seededFaults(random, {}, { lateMs: -1 })).toThrow('"lateMs"')
  })
})

/** What four callers are answered, and when, over a store with all faults. */
async function history(seed: number): Promise<string[]> {
  const clock = createManualClock()
  const random = seededRandom(seed)
  const store = withFaults(createReferenceStore(), { clock, random, plan: seededFaults(random, everything) })
  const log: string[] = []
  const callers = Array.from({ length: 4 }, (_, caller) => call(caller, store, clock, log))
  await clock.runUntil(Promise.all(callers))
  await clock.runUntil(store.settled())
  expect(Object.values(store.injected()).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(50)
  return log
}

async function call(
  caller: number,
  store: ReturnType<typeof withFaults>,
  clock: ManualClock,
  log: string[],
): Promise<void> {
  const note = (what: string) => (answer: unknown) => {
    log.push(
      `${clock.monotonic()} ${caller} ${what} ${answer instanceof Error ? answer.message : JSON.stringify(answer)}`,
    )
    return answer
  }
  for (let i = 0; i < 25; i++) {
    await store.put(`k${i % 3}`, bytes(`${caller} ${i}`), { condition: i % 2 ? create : overwrite }).then(note('put'))
    const found = await store.get('k0').catch((error: Error) => error)
    note('get')(found)
    if (!(found instanceof Error) && found.outcome === 'found') {
      await store.put('k0', bytes(`${caller}`), { condition: ifMatch(found.etag) }).then(note('swap'))
    }
    await store.list({ prefix: '' }).then(note('list'), note('list'))
    if (i % 5 === 0) await store.delete(['k1']).then(note('delete'), note('delete'))
  }
}
