/** Runs one seed from beginning to end, in virtual time. */

import { createStream } from '../world/streams.ts'
import type { Tally } from '../world/tally.ts'
import { Violation } from '../world/violation.ts'
import { World } from '../world/world.ts'
import type { Profile } from './profile.ts'
import { playRestore } from './restore.ts'
import { play } from './scenario.ts'
import type { Subject } from './subject.ts'

export interface SeedResult {
  readonly seed: number
  /** What must never happen, and did. */
  readonly violation: Error | undefined
  readonly tally: Tally
  readonly virtualMs: number
}

/** A run that has not ended after so many timers sets them for ever. */
const MOST_TIMERS = 3_000_000

export interface SeedOptions {
  /** What the world must be like, whatever the seed would make of it. */
  readonly weather?: Partial<Profile> | undefined
  /** Told of everything that happens, in words. */
  readonly trace?: ((line: string) => void) | undefined
}

export async function runSeed(seed: number, subject: Subject, options: SeedOptions = {}): Promise<SeedResult> {
  const { weather, trace } = options
  const profile = { ...subject.drawProfile(createStream(seed, 'profile')), ...weather }
  trace?.(`seed ${seed}: ${JSON.stringify(profile)}`)
  const world = new World({ seed, core: subject.core, profile, trace })
  let isOver = false
  const end = (): void => {
    isOver = true
  }
  const onUnhandled = (reason: unknown): void =>
    world.fail(new Violation(`a rejection that nobody handles: ${String(reason)}`, { cause: reason }))
  process.on('unhandledRejection', onUnhandled)
  const course = profile.restores ? playRestore(world) : play(world, subject)
  course.catch((error: unknown) => world.fail(error)).finally(end)
  await world.clock.settle()
  for (let timers = 0; !isOver && world.violation === undefined; timers++) {
    if (timers > MOST_TIMERS) world.fail(new Violation('timers are set for ever'))
    if (!world.clock.fireNext()) world.fail(new Violation('somebody waits for something that never comes'))
    await world.clock.settle()
  }
  process.off('unhandledRejection', onUnhandled)
  world.tally.faults = countFaults(world)
  return { seed, violation: world.violation, tally: world.tally, virtualMs: world.clock.monotonic() }
}

function countFaults(world: World): number {
  return world.networks.reduce(
    (sum, network) =>
      sum +
      Object.entries(network.injected()).reduce((all, [kind, count]) => all + (kind === 'latency' ? 0 : count), 0),
    0,
  )
}
