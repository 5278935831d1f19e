/** The tour: short scenes on one queue, each with what is done, what is seen, and whether it is as promised. */
import { createQueue, type Queue } from '@s3queue/core'
import { type ObjectStore, systemClock, withMetering } from '@s3queue/storage'
import type { DemoOptions } from '../options.ts'
import { withPremises } from '../premises.ts'
import { type Played, playScene } from './play.ts'
import { PROGRAM } from './program.ts'
import type { Witness } from './scene.ts'

export interface TourSurroundings {
  readonly openTourQueue: (store: ObjectStore) => Queue<unknown>
  /** A line of the tour itself. */
  readonly print: (line: string) => void
  /** Aborted when the user wants to stop. */
  readonly interrupt: AbortSignal
}

const SCENE_LIMIT_MS = 30_000

/** This is all that it takes. */
export function openTourQueue(store: ObjectStore): Queue<unknown> {
  return createQueue({ name: 'tour', store })
}

/** Resolves to whether every check held. Throws when the store does not play along, or the reason of `interrupt`. */
export async function tour(options: DemoOptions, surroundings: TourSurroundings): Promise<boolean> {
  const { place, keep } = options
  const { interrupt, print } = surroundings
  return withPremises({ place, keep, usesScratch: false }, interrupt, async ({ store }) => {
    const holds = await playAll(store, surroundings)
    if (keep) print(`Kept: ${store.description}`)
    return holds
  })
}

async function playAll(store: ObjectStore, surroundings: TourSurroundings): Promise<boolean> {
  const { print, interrupt } = surroundings
  const startedAt = performance.now()
  const metered = withMetering(store, { clock: systemClock })
  const queue = surroundings.openTourQueue(metered)
  const props = { queue, store, witness: watch(queue, () => metered.metrics().requests) }
  const played: Played[] = []
  try {
    for (const [file, scene] of Object.entries(PROGRAM)) {
      print(`${String(played.length + 1).padStart(2)}. ${scene.title.padEnd(58)} ${file}.ts`)
      const result = await playScene(scene, props, { print, limitMs: SCENE_LIMIT_MS, interrupt })
      print('')
      played.push(result)
      if (!result.ended) break
    }
  } finally {
    await queue.close()
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const [checks, failed] = [sum(played, 'checks'), sum(played, 'failed')]
  print(failed === 0 ? `All ${checks} checks hold. It took ${seconds} s.` : `${failed} of ${checks} checks FAILED.`)
  return failed === 0
}

function watch(queue: Queue<unknown>, countRequests: () => number): Witness {
  let completed = 0
  queue.on('completed', () => completed++)
  return {
    get completed() {
      return completed
    },
    get requests() {
      return countRequests()
    },
  }
}

function sum(played: readonly Played[], key: 'checks' | 'failed'): number {
  return played.reduce((total, each) => total + each[key], 0)
}
