/** What a queue takes up at one moment: objects in the store, entries of its state, memory of this process. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createFencedLog } from '@s3queue/primitives'
import { createIds, type ObjectStore, seededRandom } from '@s3queue/storage'
import type { ManualClock } from '@s3queue/storage/testing'
import { queueFold } from '../../src/state/fold.ts'
import type { QueueState } from '../../src/state/model.ts'
import { valueIn } from '../sim/world/value-in.ts'

const PREFIX = 's3queue/jobs/0/'

export interface Sample {
  readonly day: number
  /** Objects by the first part of their key below the queue's prefix. */
  readonly objects: Readonly<Record<string, number>>
  readonly kilobytes: number
  /** Slots between the base and the end of the log. */
  readonly logLength: number
  /** Entries of the state, all its tables together, but for messages that wait. */
  readonly remembered: number
  readonly heapMegabytes: number
}

export async function takeSample(day: number, store: ObjectStore, clock: ManualClock): Promise<Sample> {
  const objects: Record<string, number> = {}
  let bytes = 0
  for (let startAfter: string | undefined, more = true; more; ) {
    const page = await store.list({ prefix: PREFIX, startAfter })
    for (const { key, size } of page.entries) {
      const [kind = ''] = key.slice(PREFIX.length).split('/')
      objects[kind] = (objects[kind] ?? 0) + 1
      bytes += size
    }
    startAfter = page.entries.at(-1)?.key
    more = page.truncated
  }
  const state = await readState(store, clock)
  const baseSlot = await readBase(store)
  return {
    ...{ day, objects, kilobytes: bytes / 1024, logLength: state.slot - baseSlot, remembered: countEntries(state) },
    heapMegabytes: heapInUse() / (1 << 20),
  }
}

async function readState(store: ObjectStore, clock: ManualClock): Promise<QueueState> {
  const random = seededRandom(0)
  const log = createFencedLog({ store, prefix: PREFIX, clock, random, ids: createIds(clock, random) })
  return log.follow(queueFold).refresh()
}

async function readBase(store: ObjectStore): Promise<number> {
  const answer = await store.get(`${PREFIX}base`)
  if (answer.outcome !== 'found') return 0
  return (valueIn(answer.body) as { readonly slot: number }).slot
}

function countEntries(state: QueueState): number {
  const { active, dead, completed, senders, names, answers, live, payloadKeys } = state
  const { used, garbage, unnamed } = payloadKeys
  const tables = [active, dead, completed, senders, names.held, names.ended, names.keys, answers, live]
  return [...tables, used, garbage, unnamed].reduce((sum, { size }) => sum + size, 0)
}

let collect: (() => void) | undefined

/** Bytes that are still in use after everything else was collected. */
function heapInUse(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  return process.memoryUsage().heapUsed
}
