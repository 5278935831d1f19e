import { AccessDenied, StoreUnavailable, UnknownOutcome } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { Fenced, WriterClosed } from '../../src/index.ts'
import { bytes, changed, createRig, putsTo } from '../rig.ts'
import { append, keysIn, lead, linesOf, slotKey } from './log-rig.ts'

describe('appending', () => {
  it('puts one commit after the other into slots of their own', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    expect(leader.writer).toMatchObject({ epoch: 1, nextSlot: 2, baseSlot: 0, position: { slot: 1 } })
    await append(rig, leader, 'one', 'two')
    expect(leader.writer).toMatchObject({ nextSlot: 4, position: { slot: 3 } })
    expect(await linesOf(rig)).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'commit 3 of 1: two'])
    expect(keysIn(rig)).toEqual(['log/000000000001', 'log/000000000002', 'log/000000000003'])
  })

  it('is done one commit at a time', async () => {
    const rig = createRig()
    const { writer } = await lead(rig)
    const first = writer.append(bytes('first'))
    await expect(writer.append(bytes('second'))).rejects.toBeInstanceOf(WriterClosed)
    expect((await first).slot).toBe(2)
    expect((await writer.append(bytes('third'))).slot).toBe(3)
  })

  it('carries any bytes', async () => {
    const rig = createRig()
    const body = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256)
    const leader = await lead(rig)
    await rig.run(leader.writer.append(body))
    await rig.run(leader.writer.append(new Uint8Array(0)))
    const { logOf } = await import('./log-rig.ts')
    expect(await logOf(rig).readCommit(2)).toEqual(body)
    expect(await logOf(rig).readCommit(3)).toEqual(new Uint8Array(0))
    expect(await logOf(rig).readCommit(1)).toBeUndefined()
    expect(await logOf(rig).readCommit(4)).toBeUndefined()
  })
})

describe('a writer that another one has fenced', () => {
  it('acknowledges nothing more, and says where', async () => {
    const rig = createRig()
    const old = await lead(rig)
    await append(rig, old, 'one')
    const young = await lead(rig)
    const failure = await rig.run(old.writer.append(bytes('two')).catch((error: unknown) => error))
    expect(failure).toBeInstanceOf(Fenced)
    expect(failure).toMatchObject({ code: 'FENCED', epoch: 1 })
    expect(String(failure)).toContain(slotKey(3))
    expect(String(failure)).toContain('memory://')
    await append(rig, young, 'three')
    expect(await linesOf(rig)).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'fence 3 of 2', 'commit 4 of 2: three'])
  })

  it('is closed', async () => {
    const rig = createRig()
    const old = await lead(rig)
    await lead(rig)
    await expect(rig.run(old.writer.append(bytes('x')))).rejects.toBeInstanceOf(Fenced)
    const failure = await old.writer.append(bytes('y')).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(WriterClosed)
    expect(failure).toMatchObject({ code: 'WRITER_CLOSED', cause: expect.any(Fenced) })
  })

  it('is fenced also when its slot was collected before it looked', async () => {
    const rig = createRig()
    const old = await lead(
      rig,
      changed(rig.store, {
        async put(key, body, options) {
          const answer = await rig.store.put(key, body, options)
          if (key === slotKey(2)) await rig.memory.delete([key])
          return key === slotKey(2) ? { outcome: 'precondition-failed' } : answer
        },
      }),
    )
    await expect(rig.run(old.writer.append(bytes('x')))).rejects.toBeInstanceOf(Fenced)
  })

  it('is fenced by the slot that it tries next, however long it slept and whatever was collected', async () => {
    const rig = createRig()
    const old = await lead(rig)
    await append(rig, old, 'one')
    for (let i = 0; i < 3; i++) {
      const next = await lead(rig)
      const position = await append(rig, next, 'more', 'and more')
      await rig.run(next.writer.checkpoint(position, bytes(JSON.stringify(next.state))))
      await rig.run(next.writer.collect(() => false))
    }
    expect(keysIn(rig).filter((key) => key.startsWith('log/'))).toEqual([
      'log/000000000001',
      'log/000000000003',
      'log/000000000006',
      'log/000000000009',
    ])
    await expect(rig.run(old.writer.append(bytes('two')))).rejects.toBeInstanceOf(Fenced)
  })
})

describe('confirm', () => {
  it('resolves as long as nobody has taken over', async () => {
    const rig = createRig()
    const old = await lead(rig)
    await append(rig, old, 'one')
    await old.writer.confirm()
    await append(rig, old, 'two')
    await old.writer.confirm()
    await lead(rig)
    await expect(old.writer.confirm()).rejects.toBeInstanceOf(Fenced)
  })

  it('says so when the writer is closed: there may be a commit of ours, and a successor behind it', async () => {
    const rig = createRig([{ kind: 'timeout-after-apply', timeoutMs: 60_000 }], putsTo(slotKey(2)))
    const { writer } = await lead(rig)
    const stop = new AbortController()
    const appended = writer.append(bytes('one'), stop.signal)
    await rig.clock.settle()
    stop.abort(new Error('enough'))
    await expect(rig.run(appended)).rejects.toThrow('enough')
    await lead(rig)
    await expect(writer.confirm()).rejects.toBeInstanceOf(WriterClosed)
  })
})

describe('an append without an answer', () => {
  it.each([
    ['took place', { kind: 'timeout-after-apply', timeoutMs: 1000 }],
    ['was lost', { kind: 'timeout-before-apply', timeoutMs: 1000 }],
    ['lands after its own repetition', { kind: 'late-apply', timeoutMs: 100, applyMs: 5000 }],
    ['was sent twice, so that its own first copy refuses it', { kind: 'double-send', gapMs: 5 }],
    ['met a conflict and took place', { kind: 'conflict', applied: true }],
    ['met a conflict', { kind: 'conflict', applied: false }],
    ['met an internal error and took place', { kind: 'server-error', applied: true }],
    ['was throttled', { kind: 'throttled', retryAfterMs: 700 }],
  ] as const)('that %s is acknowledged once it is known to be there', async (_what, fault) => {
    const rig = createRig([fault], putsTo(slotKey(2)))
    const leader = await lead(rig)
    const position = await append(rig, leader, 'one')
    expect(position.slot).toBe(2)
    await append(rig, leader, 'two')
    await rig.run(rig.store.settled())
    expect(rig.script.left).toBe(0)
    expect(await linesOf(rig)).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'commit 3 of 1: two'])
  })

  it('is fenced when another took its slot meanwhile', async () => {
    const rig = createRig([{ kind: 'timeout-before-apply', timeoutMs: 5000 }], putsTo(slotKey(2)))
    const old = await lead(rig)
    const lost = old.writer.append(bytes('lost')).catch((error: unknown) => error)
    await rig.clock.settle()
    const young = await lead(rig)
    expect(young.writer.position.slot).toBe(2)
    expect(await rig.run(lost)).toBeInstanceOf(Fenced)
    expect(await linesOf(rig)).toEqual(['fence 1 of 1', 'fence 2 of 2'])
  })

  it('is acknowledged when it took place before another took over', async () => {
    const rig = createRig([{ kind: 'timeout-after-apply', timeoutMs: 5000 }], putsTo(slotKey(2)))
    const old = await lead(rig)
    const append = old.writer.append(bytes('one'))
    await rig.clock.settle()
    const young = await lead(rig)
    expect(young.state).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'fence 3 of 2'])
    expect((await rig.run(append)).slot).toBe(2)
  })

  it('never changes its bytes', async () => {
    const rig = createRig()
    const bodies: string[] = []
    let tries = 0
    const store = changed(rig.store, {
      async put(key, body, options) {
        if (key !== slotKey(2)) return rig.store.put(key, body, options)
        bodies.push(new TextDecoder().decode(body))
        if (++tries < 4) return { outcome: 'unknown', error: new UnknownOutcome('No answer.') }
        return rig.store.put(key, body, options)
      },
    })
    await append(rig, await lead(rig, store), 'one')
    expect(bodies).toHaveLength(4)
    expect(new Set(bodies).size).toBe(1)
  })
})

describe('an append while the store is down', () => {
  it('waits for as long as it takes', async () => {
    const rig = createRig()
    let down = false
    const store = changed(rig.store, {
      async put(key, body, options) {
        if (down) return { outcome: 'unknown', error: new UnknownOutcome('Down.') }
        return rig.store.put(key, body, options)
      },
      async get(key, options) {
        if (down) throw new StoreUnavailable('Down.')
        return rig.store.get(key, options)
      },
    })
    const leader = await lead(rig, store)
    down = true
    let settled = false
    const appended = leader.writer.append(bytes('one')).finally(() => {
      settled = true
    })
    await rig.clock.advance(3_600_000)
    expect(settled).toBe(false)
    down = false
    expect((await rig.run(appended)).slot).toBe(2)
  })

  it('ends with the reason of its signal, and closes the writer, as nobody knows what became of it', async () => {
    const rig = createRig([{ kind: 'timeout-after-apply', timeoutMs: 60_000 }], putsTo(slotKey(2)))
    const { writer } = await lead(rig)
    const stop = new AbortController()
    const appended = writer.append(bytes('one'), stop.signal)
    await rig.clock.settle()
    stop.abort(new Error('enough'))
    await expect(rig.run(appended)).rejects.toThrow('enough')
    await expect(writer.append(bytes('two'))).rejects.toBeInstanceOf(WriterClosed)
    expect(writer.nextSlot).toBe(2)
    expect((await lead(rig)).state).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'fence 3 of 2'])
  })

  it('ends when access is denied, and closes the writer', async () => {
    const rig = createRig()
    const denied = new AccessDenied('No more.')
    const store = changed(rig.store, { put: (key, body, options) => rig.store.put(key, body, options) })
    const { writer } = await lead(rig, store)
    store.put = () => Promise.reject(denied)
    await expect(writer.append(bytes('one'))).rejects.toBe(denied)
    store.put = (key, body, options) => rig.store.put(key, body, options)
    await expect(writer.append(bytes('two'))).rejects.toMatchObject({ code: 'WRITER_CLOSED', cause: denied })
  })
})
