import { AccessDenied, type ObjectStore, UnsupportedStore } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { CasObject, CasUnresolved, type CasVersion, CorruptObject, encodeFrame } from '../src/index.ts'
import { bytes, changed, createRig, isPut, place, type Rig } from './rig.ts'

const KEY = 'q/value'

function objectOn(rig: Rig, store: ObjectStore = rig.store): CasObject<unknown> {
  return new CasObject({ store, key: KEY, clock: rig.clock, random: rig.random, ids: rig.ids })
}

/** The object without faults: what others do. */
function others(rig: Rig): CasObject<unknown> {
  return objectOn(rig, rig.memory)
}

async function written(object: CasObject<unknown>, base: CasVersion<unknown> | undefined, value: unknown) {
  const write = await object.write(base, value)
  if (write.outcome !== 'written') throw new Error('The write was lost.')
  return write.current
}

describe('a CAS object', () => {
  it('is undefined until it is written, and then what was written', async () => {
    const rig = createRig()
    const object = objectOn(rig)
    expect(await object.read()).toBeUndefined()
    const first = await written(object, undefined, { n: 1 })
    const second = await written(object, first, { n: 2 })
    expect(await object.read()).toEqual(second)
    expect(second).toMatchObject({ value: { n: 2 }, history: [second.nonce, first.nonce], complete: true })
    expect(object.key).toBe(KEY)
  })

  it('tells with one answer without a body that nothing has changed', async () => {
    const object = objectOn(createRig())
    const first = await written(object, undefined, 1)
    expect(await object.readIfChanged(first)).toBe('unchanged')
    const second = await written(object, first, 2)
    expect(await object.readIfChanged(first)).toEqual(second)
  })

  it('tells of a known version that is gone', async () => {
    const rig = createRig()
    const first = await written(objectOn(rig), undefined, 1)
    await rig.memory.delete([KEY])
    expect(await objectOn(rig).readIfChanged(first)).toBeUndefined()
  })

  it('loses against a write that came first, and shows it', async () => {
    const rig = createRig()
    const base = await written(objectOn(rig), undefined, 'old')
    const theirs = await written(others(rig), base, 'theirs')
    expect(await objectOn(rig).write(base, 'ours')).toEqual({ outcome: 'lost', current: theirs })
    expect(await objectOn(rig).write(undefined, 'ours')).toEqual({ outcome: 'lost', current: theirs })
  })

  it('loses also when the value has come back to what it was', async () => {
    const rig = createRig()
    const base = await written(objectOn(rig), undefined, 'A')
    const between = await written(others(rig), base, 'B')
    const back = await written(others(rig), between, 'A')
    expect(back.etag).not.toBe(base.etag)
    expect(await objectOn(rig).write(base, 'ours')).toEqual({ outcome: 'lost', current: back })
  })

  it('is lost, not unresolved, when the object was deleted before a write that was plainly refused', async () => {
    const rig = createRig()
    const base = await written(objectOn(rig), undefined, 1)
    await rig.memory.delete([KEY])
    expect(await objectOn(rig).write(base, 2)).toEqual({ outcome: 'lost', current: undefined })
  })
})

describe('a write without an answer', () => {
  const timeout = { kind: 'timeout-after-apply', timeoutMs: 1000 } as const
  const lost = { kind: 'timeout-before-apply', timeoutMs: 1000 } as const

  it('was written when it is found', async () => {
    const rig = createRig([undefined, timeout], isPut)
    const base = await written(objectOn(rig), undefined, 1)
    const second = await rig.run(written(objectOn(rig), base, 2))
    expect(second.history).toHaveLength(2)
    expect(await others(rig).read()).toEqual(second)
    expect(rig.script.left).toBe(0)
  })

  it('was written when it is found below the writes of others', async () => {
    const rig = createRig([undefined, timeout], isPut)
    const base = await written(objectOn(rig), undefined, 1)
    const write = objectOn(rig).write(base, 'ours')
    await rig.clock.settle()
    const theirs = await others(rig).update((value) => [value, 'theirs'])
    expect(theirs?.value).toEqual(['ours', 'theirs'])
    expect(await rig.run(write)).toEqual({ outcome: 'written', current: theirs })
  })

  it('is repeated with the same bytes while nothing has come of it', async () => {
    const bodies: string[] = []
    const rig = createRig([lost, lost, undefined], isPut)
    const store = changed(rig.store, {
      put(key, body, options) {
        bodies.push(new TextDecoder().decode(body))
        return rig.store.put(key, body, options)
      },
    })
    const current = await rig.run(written(objectOn(rig, store), undefined, 1))
    expect(bodies).toHaveLength(3)
    expect(new Set(bodies).size).toBe(1)
    expect(await others(rig).read()).toEqual(current)
  })

  it('is lost when others wrote on its base meanwhile', async () => {
    const rig = createRig([undefined, lost], isPut)
    const base = await written(objectOn(rig), undefined, 1)
    const write = objectOn(rig).write(base, 'ours')
    await rig.clock.settle()
    const theirs = await written(others(rig), base, 'theirs')
    expect(await rig.run(write)).toEqual({ outcome: 'lost', current: theirs })
  })

  it('is lost when others created the object meanwhile', async () => {
    const rig = createRig([lost], isPut)
    const write = objectOn(rig).write(undefined, 'ours')
    await rig.clock.settle()
    const theirs = await written(others(rig), undefined, 'theirs')
    expect(await rig.run(write)).toEqual({ outcome: 'lost', current: theirs })
  })

  it('counts once when it was sent twice and refused the second time', async () => {
    const rig = createRig([undefined, { kind: 'double-send', gapMs: 10 }], isPut)
    const base = await written(objectOn(rig), undefined, 1)
    const second = await rig.run(written(objectOn(rig), base, 2))
    expect(second.history).toHaveLength(2)
  })

  it('does not land a second time when it comes late, behind its own repetition', async () => {
    const rig = createRig([undefined, { kind: 'late-apply', timeoutMs: 100, applyMs: 60_000 }], isPut)
    const base = await written(objectOn(rig), undefined, 1)
    const second = await rig.run(written(objectOn(rig), base, 2))
    const third = await written(others(rig), second, 3)
    await rig.clock.advance(60_000)
    await rig.store.settled()
    expect(await others(rig).read()).toEqual(third)
    expect(third.history).toHaveLength(3)
  })

  it.each([
    [31, 'written'],
    [32, 'CasUnresolved'],
  ])('below %i later writes is %s', async (later, expected) => {
    const rig = createRig([undefined, timeout], isPut)
    const base = await written(objectOn(rig), undefined, 0)
    const write = objectOn(rig).write(base, 'ours')
    await rig.clock.settle()
    for (let i = 0; i < later; i++) await others(rig).update(() => i)
    const outcome = await rig.run(write.catch((error: unknown) => error))
    if (expected === 'written') expect(outcome).toMatchObject({ outcome: 'written', current: { value: later - 1 } })
    else {
      expect(outcome).toBeInstanceOf(CasUnresolved)
      expect(outcome).toMatchObject({ code: 'CAS_UNRESOLVED', key: KEY, etag: (await others(rig).read())?.etag })
    }
  })

  it('is unresolved when the object it was based on is gone', async () => {
    const rig = createRig([undefined, lost], isPut)
    const base = await written(objectOn(rig), undefined, 1)
    const write = objectOn(rig).write(base, 2)
    await rig.clock.settle()
    await rig.memory.delete([KEY])
    await expect(rig.run(write)).rejects.toBeInstanceOf(CasUnresolved)
  })

  it('waits as long as the store asks for', async () => {
    const rig = createRig([{ kind: 'throttled', retryAfterMs: 30_000 }], isPut)
    await rig.run(written(objectOn(rig), undefined, 1))
    expect(rig.clock.monotonic()).toBeGreaterThanOrEqual(30_000)
  })

  it('ends with the reason of its signal', async () => {
    const rig = createRig([lost], isPut)
    const stop = new AbortController()
    const write = objectOn(rig).write(undefined, 1, stop.signal)
    await rig.clock.settle()
    stop.abort(new Error('enough'))
    await expect(rig.run(write)).rejects.toThrow('enough')
  })
})

describe('update', () => {
  // Fewer writes in all than the object remembers: so every outcome can be found out.
  it('counts exactly with several processes over a store that fails in every way', async () => {
    const faults = [
      { kind: 'timeout-after-apply', timeoutMs: 20 },
      { kind: 'timeout-before-apply', timeoutMs: 20 },
      { kind: 'double-send', gapMs: 3 },
      { kind: 'late-apply', timeoutMs: 5, applyMs: 90 },
      { kind: 'conflict', applied: true },
      { kind: 'server-error', applied: false },
      { kind: 'latency', sendMs: 2, answerMs: 7 },
    ] as const
    const script = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? undefined : faults[(i * 5) % faults.length]))
    const rig = createRig(script, isPut)
    const counting = Array.from({ length: 5 }, async () => {
      for (let i = 0; i < 6; i++) await objectOn(rig).update((value) => Number(value ?? 0) + 1)
    })
    await rig.run(Promise.all(counting))
    expect((await others(rig).read())?.value).toBe(30)
    expect(script.length - rig.script.left).toBeGreaterThan(40)
  })

  it('leaves the object as it is when there is no next value', async () => {
    const rig = createRig()
    const base = await written(objectOn(rig), undefined, 1)
    expect(await objectOn(rig).update(() => undefined)).toEqual(base)
    expect(await others(rig).read()).toEqual(base)
  })
})

describe('a store that is not what it should be', () => {
  it.each([
    ['no frame', 'x'],
    ['half of it', frameOf({ complete: true, history: ['n'] }, '{"value":1}').subarray(0, 60)],
    ['bytes that are not UTF-8', frameOf({ complete: true, history: ['n'] }, new Uint8Array([0xff, 0xfe]))],
    ['null', frameOf({ complete: true, history: ['n'] }, '')],
    ['another kind', frameOf({ kind: 'commit', complete: true, history: ['n'] }, '{"value":1}')],
    ['the frame of another key', frameOf({ key: 'q/other', complete: true, history: ['n'] }, '{"value":1}')],
    ['no history', frameOf({ complete: true }, '{"value":1}')],
    ['a history that is a text', frameOf({ complete: true, history: 'n' }, '{"value":1}')],
    ['an empty history', frameOf({ complete: true, history: [] }, '{"value":1}')],
    ['no word on completeness', frameOf({ history: ['n'] }, '{"value":1}')],
  ])('with %s in the object: CorruptObject that names it', async (_what, body) => {
    const rig = createRig()
    await place(rig.memory, KEY, body)
    const failure = await rig.run(
      objectOn(rig)
        .read()
        .catch((error: unknown) => error),
    )
    expect(failure).toBeInstanceOf(CorruptObject)
    expect(failure).toMatchObject({ code: 'CORRUPT_OBJECT', key: KEY })
    expect(String(failure)).toContain(KEY)
    expect(String(failure)).toContain('memory://')
  })

  it('is refused when it refuses what it should let through', async () => {
    const rig = createRig()
    const base = await written(objectOn(rig), undefined, 1)
    let puts = 0
    const store = changed(rig.store, {
      async put() {
        puts++
        return { outcome: 'precondition-failed' }
      },
    })
    const failure = await rig.run(
      objectOn(rig, store)
        .write(base, 2)
        .catch((error: unknown) => error),
    )
    expect(failure).toBeInstanceOf(UnsupportedStore)
    expect(String(failure)).toMatch(/memory:\/\/.*q\/value.*conditional writes/s)
    expect(puts).toBeLessThan(20)
  })

  it('is waited for while it is down, and told about', async () => {
    const down = { kind: 'server-error' } as const
    const rig = createRig([down, down, down, down])
    const troubles: unknown[] = []
    const object = new CasObject({ ...rig.tools, key: KEY, onTrouble: (error) => troubles.push(error) })
    expect(await rig.run(object.read())).toBeUndefined()
    expect(troubles).toHaveLength(4)
  })

  it('is not waited for when access is denied', async () => {
    const rig = createRig()
    const denied = new AccessDenied('No.')
    const store = changed(rig.store, { get: () => Promise.reject(denied), put: () => Promise.reject(denied) })
    await expect(objectOn(rig, store).read()).rejects.toBe(denied)
    await expect(objectOn(rig, store).write(undefined, 1)).rejects.toBe(denied)
  })

  it('ends a read with the reason of its signal, also in the middle of an outage', async () => {
    const rig = createRig(Array.from({ length: 50 }, () => ({ kind: 'server-error' }) as const))
    const stop = new AbortController()
    const read = objectOn(rig).read(stop.signal)
    await rig.clock.advance(5)
    stop.abort(new Error('enough'))
    await expect(rig.run(read)).rejects.toThrow('enough')
  })
})

it('detects each flipped bit of its object, or reads the same value', async () => {
  const rig = createRig()
  await written(objectOn(rig), undefined, { a: 1 })
  const body = rig.memory.snapshot().get(KEY)?.body ?? new Uint8Array()
  for (let bit = 0; bit < body.length * 8; bit++) {
    await place(
      rig.memory,
      KEY,
      body.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
    )
    const read = await rig.run(
      objectOn(rig)
        .read()
        .then((version) => version?.value, String),
    )
    if (typeof read === 'string') expect(read).toContain(KEY)
    else expect(read).toEqual({ a: 1 })
  }
})

it('is refused by its size before its bytes are read', async () => {
  const rig = createRig()
  await place(rig.memory, KEY, new Uint8Array(1000))
  const object = new CasObject({ ...rig.tools, key: KEY, maxBytes: 999 })
  await expect(object.read()).rejects.toThrow(/q\/value .* has 1000 bytes, and an object of its kind has at most 999/)
})

it('is refused with a value that its reader does not know', async () => {
  const rig = createRig()
  await written(objectOn(rig), undefined, { a: 1 })
  const decode = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
  const object = new CasObject<number>({ ...rig.tools, key: KEY, decode })
  await expect(object.read()).rejects.toThrow(/its value is not one that this version knows/)
})

/** The bytes of an object with this header, whatever it says. */
function frameOf(header: object, body: string | Uint8Array): Uint8Array {
  const given = { key: KEY, kind: 'value', ...header }
  return encodeFrame(given, typeof body === 'string' ? bytes(body) : body).bytes
}
