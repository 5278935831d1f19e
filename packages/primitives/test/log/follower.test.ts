import type { ObjectStore } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { changed, createGate, createRig } from '../rig.ts'
import { append, checkpoint, fold, lead, logOf, slotKey } from './log-rig.ts'

describe('a follower', () => {
  it('of an empty log has the state of the beginning', async () => {
    const rig = createRig()
    const follower = logOf(rig).follow(fold)
    expect(follower.slot).toBe(0)
    expect(await follower.refresh()).toEqual([])
  })

  it('folds in what is new, and reads nothing twice', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    const read: string[] = []
    const watched = changed(rig.store, {
      get(key, options) {
        read.push(key)
        return rig.store.get(key, options)
      },
    })
    const follower = logOf(rig, watched, 1).follow(fold)
    expect([...(await follower.refresh())]).toEqual(leader.state)
    read.length = 0
    await append(rig, leader, 'two', 'three')
    expect([...(await follower.refresh())]).toEqual(leader.state)
    expect(follower.slot).toBe(4)
    expect(read).toEqual([slotKey(3), slotKey(4), slotKey(5), 'q/0/base'])
  })

  it('polls at one request while nothing is new, and sees after some polls that a collection has passed it by', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    const read: string[] = []
    const watched = changed(rig.store, {
      get(key, options) {
        read.push(key)
        return rig.store.get(key, options)
      },
    })
    const follower = logOf(rig, watched, 1).follow(fold)
    await rig.run(follower.poll())
    read.length = 0
    await rig.run(follower.poll())
    expect(read).toEqual([slotKey(3)])
    await append(rig, leader, 'two')
    await checkpoint(rig, leader)
    await rig.run(leader.writer.collect(() => false))
    let polls = 0
    while (follower.slot < 3 && polls++ < 20) await rig.run(follower.poll())
    expect(polls).toBeLessThan(10)
    expect(await rig.run(follower.poll())).toEqual(leader.state)
  })

  it('reads a long log in few rounds, at most so many slots at once', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, ...Array.from({ length: 99 }, (_, i) => `${i}`))
    let reading = 0
    let most = 0
    let rounds = 0
    const watched = changed(rig.store, {
      async get(key, options) {
        if (reading++ === 0) rounds++
        most = Math.max(most, reading)
        await new Promise<void>((resolve) => rig.clock.setTimer(10, resolve))
        const answer = await rig.store.get(key, options)
        reading--
        return answer
      },
    })
    expect(await rig.run(logOf(rig, watched, 16).follow(fold).refresh())).toHaveLength(100)
    expect(most).toBe(16)
    expect(rounds).toBeLessThan(15)
  })

  it('starts over from the base when that has passed it by', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    const follower = logOf(rig).follow(fold)
    await rig.run(follower.refresh())
    await append(rig, leader, 'two', 'three', 'four')
    await checkpoint(rig, leader)
    await rig.run(leader.writer.collect(() => false))
    await append(rig, leader, 'five')
    expect(await rig.run(follower.refresh())).toEqual(leader.state)
    expect(follower.slot).toBe(6)
  })

  it('keeps its place when the base moves only over what it has read', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one', 'two')
    let starts = 0
    const follower = logOf(rig).follow({
      ...fold,
      start(snapshot) {
        starts++
        return fold.start(snapshot)
      },
    })
    await rig.run(follower.refresh())
    await checkpoint(rig, leader)
    await rig.run(leader.writer.collect(() => false))
    await append(rig, leader, 'three')
    expect(await rig.run(follower.refresh())).toEqual(leader.state)
    expect(starts).toBe(1)
  })

  it('does not take a collection under its feet for the end of the log', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    const gate = createGate()
    const slow = changed(rig.store, {
      async get(key, options) {
        if (key === slotKey(2)) await gate.pass()
        return rig.store.get(key, options)
      },
    })
    const refresh = logOf(rig, slow, 1).follow(fold).refresh()
    await gate.reached
    await append(rig, leader, 'two')
    await checkpoint(rig, leader)
    await rig.run(leader.writer.collect(() => false))
    gate.open()
    expect(await rig.run(refresh)).toEqual(leader.state)
  })

  it('starts over when a late fence in a collected slot comes before the fence of the base', async () => {
    const rig = createRig()
    const first = await lead(rig)
    await checkpoint(rig, first)
    await append(rig, first, 'one')
    const stalledAtSlot2 = (gate: ReturnType<typeof createGate>): ObjectStore =>
      changed(rig.store, {
        async get(key, options) {
          if (key === slotKey(2)) await gate.pass()
          return rig.store.get(key, options)
        },
      })
    const [candidateGate, readerGate] = [createGate(), createGate()]
    const takeOver = logOf(rig, stalledAtSlot2(candidateGate), 1).takeOver(fold)
    const refresh = logOf(rig, stalledAtSlot2(readerGate), 1).follow(fold).refresh()
    await Promise.all([candidateGate.reached, readerGate.reached])
    await checkpoint(rig, first)
    await rig.run(first.writer.collect(() => false))
    candidateGate.open()
    const second = await rig.run(takeOver)
    expect(second.writer.position.slot).toBe(3)
    expect(rig.memory.snapshot().has(slotKey(2))).toBe(true)
    await checkpoint(rig, second)
    readerGate.open()
    expect(await rig.run(refresh)).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'fence 3 of 2'])
  })

  it('finds the snapshot of a base that moves on all the time', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    let moves = 0
    const busy = changed(rig.store, {
      async get(key, options) {
        if (key.includes('/snapshots/') && moves++ < 5) {
          const { slot } = await leader.writer.append(new TextEncoder().encode(`move ${moves}`))
          leader.state.push(`commit ${slot} of 1: move ${moves}`)
          await leader.writer.checkpoint(leader.writer.position, new TextEncoder().encode(JSON.stringify(leader.state)))
          await leader.writer.collect(() => false)
        }
        return rig.store.get(key, options)
      },
    })
    expect(await rig.run(logOf(rig, busy).follow(fold).refresh())).toEqual(leader.state)
    expect(moves).toBe(6)
  })

  it('starts from scratch after a refresh that was aborted', async () => {
    const rig = createRig([undefined, ...Array.from({ length: 30 }, () => ({ kind: 'server-error' }) as const)])
    const leader = await lead(rig, rig.memory)
    await append(rig, leader, 'one')
    const follower = logOf(rig).follow(fold)
    const stop = new AbortController()
    const refresh = follower.refresh(stop.signal)
    await rig.clock.advance(200)
    stop.abort(new Error('enough'))
    await expect(rig.run(refresh)).rejects.toThrow('enough')
    expect(follower.slot).toBe(0)
    expect(await rig.run(follower.refresh())).toEqual(leader.state)
  })
})
