/** How much memory a process needs for a queue in which messages have ended: dead letters with long failures, and large results. */
import type { Queue } from '@s3queue/core'
import { liveHeapBytes } from '../heap.ts'
import { batches, type Recipient, recipients } from '../payloads.ts'
import { openQueue, timed } from '../queues.ts'
import type { Findings, Place, Repetition, Row } from '../row.ts'

const BATCH = 1000
const ATTEMPTS = 3
/** As much of a failure's text, and as long a result, as the queue takes. */
const FAILURE_CHARS = 2000
const RESULT_CHARS = 65_000
const MIB = 1024 * 1024
/** With default options, however many messages have ended. */
const HEAP_LIMIT_MIB = 150

interface Ended {
  readonly dead: number
  readonly completed: number
}

export const opening: Row = {
  name: 'opening',
  about:
    `100,000 dead letters with ${ATTEMPTS} failures of ${FAILURE_CHARS.toLocaleString('en')} characters, and 8,000 messages that completed with results of 64 KiB. ` +
    'From createQueue() of the next process until it is the writer and knows the exact numbers. Memory: what the heap holds more than before, garbage collected.',
  stores: ['memory', 'fs'],
  repetitions: 3,
  metrics: {
    ms: { label: 'until the writer', unit: 'ms' },
    heap: { label: 'heap', unit: 'MiB', target: { bound: 'at most', value: HEAP_LIMIT_MIB } },
    get: { label: 'get() of a dead letter', unit: 'ms' },
  },
  begin: (place) => seed(place, place.quick ? { dead: 200, completed: 50 } : { dead: 100_000, completed: 8000 }),
}

async function seed(place: Place, ended: Ended): Promise<Repetition> {
  const { queue, name } = openQueue(place.store, {
    ...{ maxAttempts: ATTEMPTS, backoff: { baseMs: 0 } },
    // By default 1,000 results are remembered.
    retention: { completedCount: 10_000, completedBytes: 2 ** 30 },
  })
  for (const { first, count } of batches(ended.dead + ended.completed, BATCH)) {
    await queue.enqueueMany(recipients(count, first))
  }
  const worker = queue.process((message) => work(message.payload, ended), { concurrency: 100 })
  place.progress('messages end')
  await queue.drain()
  await worker.stop()
  await queue.close()
  return () => open(place, name, ended)
}

/** The first ones fail, the others complete. */
function work({ n }: Recipient, { dead }: Ended): string {
  if (n < dead) throw new Error(`${n} `.padEnd(FAILURE_CHARS, 'why '))
  return `${n} `.padEnd(RESULT_CHARS, 'so ')
}

async function open({ store }: Place, name: string, ended: Ended): Promise<Findings> {
  const before = liveHeapBytes()
  const { queue } = openQueue(store, { name })
  const ms = await timed(() => isComplete(queue, ended))
  const heap = (liveHeapBytes() - before) / MIB
  const { messages } = await queue.list({ status: 'dead', limit: 1 })
  const get = await timed(async () => {
    const info = await queue.get(messages[0]?.id ?? '')
    if (info?.failures?.length !== ATTEMPTS) throw new Error(`A dead letter has ${info?.failures?.length} failures.`)
  })
  await queue.close()
  return { ms, heap, get }
}

async function isComplete(queue: Queue<Recipient>, { dead, completed }: Ended): Promise<void> {
  const stats = await queue.getStats()
  if (stats.dead === dead && stats.completed === completed) return
  throw new Error(`${stats.dead} dead letters and ${stats.completed} completed messages, not ${dead} and ${completed}.`)
}
