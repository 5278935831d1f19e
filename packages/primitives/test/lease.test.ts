import { seededRandom } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { type AcquireOptions, Lease, type LeaseAttempt, type LeaseGrant, LeaseLost } from '../src/index.ts'
import { createRig, isPut, type Rig } from './rig.ts'

const KEY = 'q/lease'
const DURATION = 10_000
/** 1 % less than the duration: what clocks may differ by. */
const TRUST = 9900

function leaseOf(rig: Rig, owner: string, durationMs = DURATION): Lease<string> {
  return new Lease<string>({ ...rig.tools, key: KEY, owner, durationMs })
}

async function acquire(lease: Lease<string>, options?: AcquireOptions<string>): Promise<LeaseGrant<string>> {
  const attempt = await lease.tryAcquire('', options)
  if (attempt.outcome !== 'acquired') throw new Error(`The lease is held by ${attempt.record.owner}.`)
  return attempt.grant
}

async function expectHeld(attempt: Promise<LeaseAttempt<string>>, owner: string, freeInMs: number): Promise<void> {
  expect(await attempt).toMatchObject({ outcome: 'held', record: { owner }, freeInMs })
}

describe('a lease that nobody has', () => {
  it('is taken at once, with the first generation', async () => {
    const rig = createRig()
    const lease = leaseOf(rig, 'a')
    expect(await lease.observe()).toBeUndefined()
    const grant = await acquire(lease)
    expect(grant.generation).toBe(1)
    expect(grant.isValid).toBe(true)
    expect(grant.validUntil).toBe(TRUST)
    expect(await lease.observe()).toMatchObject({ owner: 'a', generation: 1, held: true, durationMs: DURATION })
  })

  it('is taken by one of many', async () => {
    const rig = createRig()
    const attempts = await rig.run(
      Promise.all(Array.from({ length: 10 }, (_, i) => leaseOf(rig, `w${i}`).tryAcquire(''))),
    )
    expect(attempts.filter(({ outcome }) => outcome === 'acquired')).toHaveLength(1)
  })

  it('goes to one of several attempts of the same process at once', async () => {
    const rig = createRig()
    const lease = leaseOf(rig, 'a')
    const attempts = await rig.run(Promise.all(Array.from({ length: 5 }, () => lease.tryAcquire(''))))
    expect(attempts.filter(({ outcome }) => outcome === 'acquired')).toHaveLength(1)
  })
})

describe('the patience of others', () => {
  it('lasts for the whole duration from when they first saw the holder, however old its lease is', async () => {
    const rig = createRig()
    await acquire(leaseOf(rig, 'a'))
    await rig.clock.advance(8000)
    const b = leaseOf(rig, 'b')
    await expectHeld(b.tryAcquire(''), 'a', DURATION)
    await rig.clock.advance(DURATION - 1)
    await expectHeld(b.tryAcquire(''), 'a', 1)
    await rig.clock.advance(1)
    expect((await acquire(b)).generation).toBe(2)
  })

  it('starts anew with each sign of life', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    const b = leaseOf(rig, 'b')
    await expectHeld(b.tryAcquire(''), 'a', DURATION)
    await rig.clock.advance(DURATION - 1)
    await grant.renew('still here')
    await rig.clock.advance(1)
    await expectHeld(b.tryAcquire(''), 'a', DURATION)
  })

  it('goes by the duration of the holder, not by their own', async () => {
    const rig = createRig()
    await acquire(leaseOf(rig, 'a', 60_000))
    const b = leaseOf(rig, 'b', 1000)
    await expectHeld(b.tryAcquire(''), 'a', 60_000)
    await rig.clock.advance(59_999)
    await expectHeld(b.tryAcquire(''), 'a', 1)
  })

  it('does not look at the wall clock', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    const b = leaseOf(rig, 'b')
    await b.observe()
    rig.clock.jumpWall(365 * 24 * 3_600_000)
    await expectHeld(b.tryAcquire(''), 'a', DURATION)
    expect(grant.isValid).toBe(true)
    rig.clock.jumpWall(-2 * 365 * 24 * 3_600_000)
    await rig.clock.advance(DURATION)
    expect(grant.isValid).toBe(false)
    expect((await acquire(b)).generation).toBe(2)
  })

  it('ends before its time where somebody says so who knows better', async () => {
    const rig = createRig()
    const old = await acquire(leaseOf(rig, 'a'))
    const b = leaseOf(rig, 'b')
    await expectHeld(
      b.tryAcquire('', { mayDepose: ({ aliveAt }) => aliveAt < rig.clock.now() - 60_000 }),
      'a',
      DURATION,
    )
    rig.clock.jumpWall(61_000)
    const grant = await acquire(b, { mayDepose: ({ aliveAt }) => aliveAt < rig.clock.now() - 60_000 })
    expect(grant.generation).toBe(2)
    await expect(old.renew('')).rejects.toBeInstanceOf(LeaseLost)
    expect(old.isValid).toBe(false)
  })
})

describe('the trust of the holder', () => {
  it('is counted from the start of the attempt, not from its answer', async () => {
    const rig = createRig([{ kind: 'latency', sendMs: 1000, answerMs: 3000 }], isPut)
    const grant = await rig.run(acquire(leaseOf(rig, 'a')))
    expect(rig.clock.monotonic()).toBe(4000)
    expect(grant.validUntil).toBe(TRUST)
    await rig.clock.advance(TRUST - 4000 - 1)
    expect(grant.isValid).toBe(true)
    await rig.clock.advance(1)
    expect(grant.isValid).toBe(false)
  })

  it('is counted from the start of a renewal, which may take several requests', async () => {
    const rig = createRig([undefined, { kind: 'timeout-after-apply', timeoutMs: 2000 }], isPut)
    const grant = await acquire(leaseOf(rig, 'a'))
    await rig.clock.advance(5000)
    await rig.run(grant.renew('more'))
    expect(rig.clock.monotonic()).toBeGreaterThanOrEqual(7000)
    expect(grant.validUntil).toBe(5000 + TRUST)
  })

  it('may be over before it has begun', async () => {
    const rig = createRig([{ kind: 'latency', answerMs: DURATION }], isPut)
    const grant = await rig.run(acquire(leaseOf(rig, 'a')))
    expect(grant.isValid).toBe(false)
    await grant.renew('')
    expect(grant.isValid).toBe(true)
  })

  it('comes back with a late renewal, if nobody took the lease meanwhile', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    await rig.clock.advance(5 * DURATION)
    expect(grant.isValid).toBe(false)
    await grant.renew('')
    expect(grant.isValid).toBe(true)
    expect(grant.generation).toBe(1)
  })

  it('is over when another has the lease', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    const b = leaseOf(rig, 'b')
    await b.observe()
    await rig.clock.advance(DURATION)
    await acquire(b)
    const failure = await grant.renew('').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'LEASE_LOST', message: expect.stringContaining('has passed to b') })
    await expect(grant.renew('')).rejects.toThrow(/released or lost before/)
    await expect(grant.release()).resolves.toBeUndefined()
    expect(await b.observe()).toMatchObject({ owner: 'b', held: true })
  })

  it('is over when another has it, also after more writes than the object remembers', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    const b = leaseOf(rig, 'b')
    await b.observe()
    await rig.clock.advance(DURATION)
    const theirs = await acquire(b)
    for (let i = 0; i < 40; i++) await theirs.renew('')
    await expect(grant.renew('')).rejects.toBeInstanceOf(LeaseLost)
    expect(theirs.isValid).toBe(true)
  })

  it('is over when the object is gone', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    await rig.memory.delete([KEY])
    await expect(grant.renew('')).rejects.toThrow(/passed to nobody: its object is gone/)
  })
})

describe('giving a lease back', () => {
  it('lets others take it at once, with a higher generation', async () => {
    const rig = createRig()
    const grant = await acquire(leaseOf(rig, 'a'))
    await grant.release()
    expect(grant.isValid).toBe(false)
    expect((await acquire(leaseOf(rig, 'b'))).generation).toBe(2)
    await expect(grant.renew('')).rejects.toBeInstanceOf(LeaseLost)
    await expect(grant.release()).resolves.toBeUndefined()
  })

  it('leaves nothing to renew, from the call on', async () => {
    const rig = createRig([undefined, { kind: 'latency', answerMs: 5000 }], isPut)
    const grant = await acquire(leaseOf(rig, 'a'))
    const release = grant.release()
    await expect(grant.renew('')).rejects.toThrow(/released or lost before/)
    await rig.run(release)
    expect(await leaseOf(rig, 'b').observe()).toMatchObject({ held: false })
  })

  it('ends trust before the answer is there', async () => {
    const rig = createRig([undefined, { kind: 'latency', answerMs: 5000 }], isPut)
    const grant = await acquire(leaseOf(rig, 'a'))
    const release = grant.release()
    await rig.clock.settle()
    expect(grant.isValid).toBe(false)
    expect((await acquire(leaseOf(rig, 'b'))).generation).toBe(2)
    await rig.run(release)
  })
})

describe('an attempt without an answer', () => {
  it('is granted when it is found to have taken place', async () => {
    const rig = createRig([{ kind: 'timeout-after-apply', timeoutMs: 1000 }], isPut)
    const grant = await rig.run(acquire(leaseOf(rig, 'a')))
    expect(grant.validUntil).toBe(TRUST)
  })

  it('is not granted when another was faster', async () => {
    const rig = createRig([{ kind: 'late-apply', timeoutMs: 1000, applyMs: 2000 }], isPut)
    const attempt = leaseOf(rig, 'a').tryAcquire('')
    await rig.clock.settle()
    await acquire(leaseOf(rig, 'b'))
    expect(await rig.run(attempt)).toMatchObject({ outcome: 'held', record: { owner: 'b', generation: 1 } })
    await rig.run(rig.store.settled())
  })

  it('is not granted when others have written more than the object remembers', async () => {
    const rig = createRig([undefined, undefined, { kind: 'timeout-before-apply', timeoutMs: 1000 }], isPut)
    await (await acquire(leaseOf(rig, 'b'))).release()
    const attempt = leaseOf(rig, 'a').tryAcquire('')
    await rig.clock.settle()
    const grant = await acquire(leaseOf(rig, 'b'))
    for (let i = 0; i < 40; i++) await grant.renew('')
    expect(await rig.run(attempt)).toMatchObject({ outcome: 'held', record: { owner: 'b', generation: 2 } })
  })
})

it('gives generations that only grow, whatever fails', async () => {
  const faults = ['timeout-after-apply', 'timeout-before-apply'] as const
  const random = seededRandom(3)
  const script = Array.from({ length: 120 }, () => {
    const kind = faults[Math.floor(random.next() * 4)]
    return kind && { kind, timeoutMs: 50 }
  })
  const rig = createRig(script, isPut)
  const generations: number[] = []
  const workers = Array.from({ length: 4 }, async (_, i) => {
    const lease = leaseOf(rig, `w${i}`)
    for (let rounds = 0; rounds < 8; ) {
      const attempt = await lease.tryAcquire('')
      if (attempt.outcome === 'held') {
        await new Promise<void>((resolve) => rig.clock.setTimer(100 + 10 * i, resolve))
        continue
      }
      rounds++
      generations.push(attempt.grant.generation)
      if (random.next() < 0.5) await attempt.grant.release()
    }
  })
  await rig.run(Promise.all(workers))
  expect(generations).toHaveLength(32)
  expect(new Set(generations).size).toBe(32)
})

it('refuses a duration that is none', () => {
  const rig = createRig()
  for (const durationMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => leaseOf(rig, 'a', durationMs)).toThrow(/Lease: the option "durationMs" must be/)
  }
})
