/** How long a process needs to take over a long queue, and what it holds of it in memory. */
import type { Queue } from '@s3queue/core'
import { sleep, systemClock } from '@s3queue/storage'
import { liveHeapBytes } from '../heap.ts'
import { batches, type Recipient, recipients } from '../payloads.ts'
import { openQueue, timed } from '../queues.ts'
import type { Findings, Place, Repetition, Row } from '../row.ts'
import { createSeverable } from '../stores/severable.ts'

const BATCH = 256
const TAKEOVER_AFTER_MS = 300
/** A writer whose last sign of life is older than this is taken for gone at first sight: what is then measured is the recovery, not the wait. */
const SILENCE_MS = TAKEOVER_AFTER_MS + 2200
const MIB = 1024 * 1024

function recoveryOf(name: string, count: number, quickCount: number): Row {
  return {
    name,
    about:
      `${count.toLocaleString('en')} messages wait, enqueued in batches of ${BATCH} by a process that crashed. From createQueue() of the next one ` +
      'until it has read everything, is the writer, and knows the exact numbers. Memory: what the heap holds more than before, garbage collected.',
    stores: ['memory', 'fs'],
    repetitions: 3,
    metrics: {
      ms: { label: 'until the writer', unit: 'ms' },
      requests: { label: 'until the writer', unit: 'requests' },
      heap: { label: 'heap', unit: 'MiB' },
    },
    begin: (place) => seed(place, place.quick ? quickCount : count),
  }
}

export const recovery: Row = recoveryOf('recovery', 100_000, 5000)
export const recoveryOfAMillion: Row = recoveryOf('recovery-million', 1_000_000, 20_000)

async function seed(place: Place, count: number): Promise<Repetition> {
  const { store, severed } = severable(place)
  const { queue, name } = openQueue(store, { takeoverAfterMs: TAKEOVER_AFTER_MS })
  for (const batch of batches(count, BATCH)) {
    await queue.enqueueMany(recipients(batch.count, batch.first))
    if (batch.first % (BATCH * 100) === 0) place.progress(`${batch.first} of ${count} enqueued`)
  }
  severed()
  return () => recover(place, name, count)
}

async function recover(place: Place, name: string, count: number): Promise<Findings> {
  await sleep(systemClock, SILENCE_MS)
  const before = liveHeapBytes()
  const { store, severed } = severable(place)
  const { queue, meter } = openQueue(store, { name, takeoverAfterMs: TAKEOVER_AFTER_MS })
  const ms = await timed(() => isComplete(queue, count))
  const { requests } = meter.metrics()
  const heap = (liveHeapBytes() - before) / MIB
  severed()
  return { ms, requests, heap }
}

async function isComplete(queue: Queue<Recipient>, count: number): Promise<void> {
  const { waiting } = await queue.getStats()
  if (waiting !== count) throw new Error(`${waiting} messages wait after the recovery; ${count} were enqueued.`)
}

/** The place's store for one process, and what ends that process's life on it. */
function severable({ store }: Place): { readonly store: Place['store']; readonly severed: () => void } {
  const own = createSeverable(store)
  return { store: own.store, severed: () => own.sever() }
}
