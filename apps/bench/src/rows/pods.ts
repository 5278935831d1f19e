/** What it costs when those who enqueue and those who handle are different processes, with nothing between them but the store. */
import { sleep, systemClock, systemIds } from '@s3queue/storage'
import { Pod } from '../pods/pod.ts'
import { whenJoined } from '../pods/pod-source.ts'
import type { PodOrder } from '../pods/protocol.ts'
import { openCoordinatedQueue } from '../queues.ts'
import type { Place, Row } from '../row.ts'

const BATCH = 50
/** A message whose handler never ends. */
const STUCK = 0

export const pods: Row = {
  name: 'pods',
  about:
    'A producer in a process of its own enqueues 5,000 messages, 50 at a time, one batch after the other; processes with a worker each handle them. Requests are those of all processes ' +
    'together, from the first batch until the last completion is recorded. One worker: it writes too. Through mailboxes: the worker of the process that writes is busy with one long ' +
    'message, so that another process handles all others. Four workers: handlers take 20 ms, ten at once in each process.',
  stores: ['fs', 'minio'],
  repetitions: 3,
  warmUp: false,
  metrics: {
    one: { label: 'one worker', unit: 'requests/message', target: { bound: 'at most', value: 0.2 } },
    oneRate: { label: 'one worker', unit: 'messages/s' },
    mailboxes: { label: 'through mailboxes', unit: 'requests/message', target: { bound: 'at most', value: 0.2 } },
    mailboxesRate: { label: 'through mailboxes', unit: 'messages/s' },
    // On files a commit is so fast that few messages share one, and requests cost nothing.
    four: {
      label: 'four workers',
      unit: 'requests/message',
      target: { bound: 'at most', value: 0.2, stores: ['minio'] },
    },
    fourRate: { label: 'four workers', unit: 'messages/s' },
  },
  begin: (place) => async () => {
    const count = place.quick ? 500 : 5000
    const fast = { kind: 'work', concurrency: 50, handlerMs: 0, stuckBelow: 1 } as const
    const slow = { kind: 'work', concurrency: 10, handlerMs: 20 } as const
    place.progress('one worker')
    const one = await produceAndHandle(place, count, [fast])
    place.progress('through mailboxes')
    const busy = { ...fast, concurrency: 1, maxPrefetch: 0 }
    const mailboxes = await produceAndHandle(place, count, [busy, fast], true)
    place.progress('four workers')
    const four = await produceAndHandle(place, count, [slow, slow, slow, slow])
    return {
      ...{ one: one.requests, oneRate: one.rate, mailboxes: mailboxes.requests, mailboxesRate: mailboxes.rate },
      ...{ four: four.requests, fourRate: four.rate },
    }
  },
}

interface Measured {
  /** For each message, of all processes. */
  readonly requests: number
  /** Messages per second, from the first batch to the last handler. */
  readonly rate: number
}

/** `isFirstBusy`: the first worker, which writes, gets a message that it never ends. */
async function produceAndHandle(
  place: Place,
  count: number,
  workers: readonly PodOrder[],
  isFirstBusy = false,
): Promise<Measured> {
  const { location } = place
  if (location === undefined) throw new Error('Other processes cannot open a store in memory.')
  const setup = { kind: 'store', location, queue: `q-${systemIds.ulid()}` } as const
  const all = await Promise.all(Array.from({ length: workers.length + 1 }, () => Pod.start(setup)))
  const [producer, writer, ...others] = all as [Pod, Pod, ...Pod[]]
  const handled = new Set<number>()
  try {
    const [first, ...rest] = workers as [PodOrder]
    await writer.ask(first, 'promoted')
    for (const [i, order] of rest.entries()) others[i]?.order(order)
    if (isFirstBusy) {
      const stuck = writer.next('started')
      writer.order({ kind: 'enqueue', first: STUCK, count: 1, batch: 1 })
      await stuck
    }
    await whenJoined(place.store, setup.queue, workers.length - 1)
    const { promise: done, resolve } = Promise.withResolvers<number>()
    for (const pod of all) {
      pod.onReport((report) => {
        if (report.kind !== 'started') return
        for (const n of report.numbers) handled.add(n)
        if (handled.size === count) resolve(report.at)
      })
    }
    const before = await requestsOf(all)
    const startedAt = systemClock.now()
    producer.order({ kind: 'enqueue', first: 1, count, batch: BATCH })
    const doneAt = await done
    await whenRecorded(place, setup.queue, count)
    const requests = (await requestsOf(all)) - before
    return { requests: requests / count, rate: count / ((doneAt - startedAt) / 1000) }
  } finally {
    await Promise.all(all.map((pod) => pod.kill()))
  }
}

/** All completions are in the log. */
async function whenRecorded({ store }: Place, name: string, count: number): Promise<void> {
  const { queue } = openCoordinatedQueue(store, { name })
  while ((await queue.getStats()).completed < count) await sleep(systemClock, 100)
  await queue.close()
}

async function requestsOf(all: readonly Pod[]): Promise<number> {
  const counts = await Promise.all(all.map((pod) => pod.ask({ kind: 'usage' }, 'usage')))
  return counts.reduce((sum, { requests }) => sum + requests, 0)
}
