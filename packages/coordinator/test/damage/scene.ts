/** A queue with an object of every kind, left by processes that died, and what any other process must find in it. */
import { createQueue, type MessageInfo, type Queue, type QueueOptions } from '@s3queue/core'
import { createIds, type ObjectStore, overwrite, seededRandom, sleep } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { mortalStore } from '../../../core/test/support.ts'
import { createMailboxTransport } from '../../src/index.ts'

export const PREFIX = 's3queue/jobs/0/'
const OPTIONS = { takeoverAfterMs: 10_000, visibilityTimeoutMs: 10_000, offloadAboveBytes: 200, maxAttempts: 2 }
const IDS = ['done', 'died', 'first', 'second', 'large', 'held', 'delayed', 'inbox']

export interface Site {
  readonly clock: ManualClock
  readonly store: MemoryStore
  /** Keys of objects that errors named. */
  readonly named: Set<string>
  /** Errors of the background, in words. */
  readonly troubles: string[]
  open(options?: Partial<QueueOptions>, store?: ObjectStore): Queue<unknown>
  run<T>(promise: Promise<T>): Promise<T>
}

let processes = 0

function siteOn(clock: ManualClock): Site {
  const store = createMemoryStore({ clock })
  const named = new Set<string>()
  const troubles: string[] = []
  return {
    ...{ clock, store, named, troubles },
    open(options = {}, own = store) {
      const random = seededRandom(++processes)
      const runtime = { clock, random, ids: createIds(clock, random), snapshotAfterCommits: 6 }
      const transport = createMailboxTransport()
      const queue = createQueue({ name: 'jobs', store: own, transport, runtime, ...OPTIONS, ...options })
      queue.on('trouble', ({ error }) => note({ named, troubles }, error))
      return queue
    },
    run: (promise) => clock.runUntil(promise, { limitMs: 3_600_000 }),
  }
}

/** Remembers which object an error names. */
function note({ named, troubles }: Pick<Site, 'named' | 'troubles'>, error: unknown): void {
  troubles.push(String(error))
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('key' in cause && typeof cause.key === 'string') named.add(cause.key)
  }
}

export interface Scene {
  readonly startMs: number
  /** All objects, by key. */
  readonly objects: ReadonlyMap<string, Uint8Array>
  /** What was at a key before its last change. */
  readonly older: ReadonlyMap<string, Uint8Array>
}

/** A process wrote and handled, another one handled beside it, both died, and a third one left a message in the inbox. */
export async function makeScene(): Promise<Scene> {
  processes = 0
  const clock = createManualClock()
  const site = siteOn(clock)
  const versions = new Map<string, Uint8Array[]>()
  const recorded: ObjectStore = {
    ...site.store,
    description: 'memory://',
    async put(key, body, options) {
      const answer = await site.store.put(key, body, options)
      if (answer.outcome === 'stored') versions.set(key, [...(versions.get(key) ?? []), body])
      return answer
    },
  }
  const handler = async ({ id }: { readonly id: string }): Promise<unknown> => {
    if (id === 'died') throw new Error('No.')
    if (id === 'held' || id === 'first') await sleep(clock, 3_600_000)
    return { of: id }
  }
  const [writing, beside] = [mortalStore(recorded), mortalStore(recorded)]
  const writer = site.open({}, writing.store)
  await site.run(writer.enqueue({ text: 'done' }, { id: 'done' }))
  writer.process(handler, { concurrency: 1 })
  await clock.advance(2000)
  await site.run(writer.enqueue({ text: 'died' }, { id: 'died', maxAttempts: 1 }))
  await clock.advance(5000)
  const other = site.open({}, beside.store)
  other.process(handler, { concurrency: 1 })
  await clock.advance(5000)
  for (const id of ['held', 'first']) await site.run(writer.enqueue({ text: id }, { id }))
  await clock.advance(500)
  await site.run(writer.enqueue({ text: 'second' }, { id: 'second', delayMs: 3000 }))
  await site.run(writer.enqueue({ text: 'large', more: 'x'.repeat(400) }, { id: 'large', delayMs: 3500 }))
  await site.run(writer.enqueue({ text: 'delayed' }, { id: 'delayed', delayMs: 60_000 }))
  // The lease names the last slot once it is renewed.
  await clock.advance(2000)
  writing.die()
  beside.die()
  const producer = site.open({}, recorded)
  await site.run(producer.enqueue({ text: 'inbox' }, { id: 'inbox' }))
  await clock.advance(1)
  const objects = new Map([...site.store.snapshot()].map(([key, { body }]) => [key, body]))
  const older = new Map<string, Uint8Array>()
  for (const [key, bodies] of versions) {
    const before = bodies.at(-2)
    if (before !== undefined && objects.has(key)) older.set(key, before)
  }
  return { startMs: clock.now(), objects, older }
}

/** The same place at the same moment, with these objects, for processes that know nothing of those before. */
export async function reopen({ startMs }: Scene, objects: ReadonlyMap<string, Uint8Array>): Promise<Site> {
  processes = 100
  const site = siteOn(createManualClock({ startMs }))
  for (const [key, body] of objects) await site.store.put(key, body, { condition: overwrite })
  return site
}

/** What one process reads, answer by answer; an error is an answer too. */
export async function readAll(site: Site): Promise<Map<string, unknown>> {
  const queue = site.open()
  const answers = new Map<string, unknown>()
  const ask = async (what: string, call: () => Promise<unknown>): Promise<void> => {
    try {
      answers.set(what, await site.run(call()))
    } catch (error) {
      note(site, error)
      answers.set(what, error)
    }
  }
  await ask('stats', () => queue.getStats())
  for (const status of ['waiting', 'delayed', 'active', 'completed', 'dead'] as const)
    await ask(`list ${status}`, async () => (await queue.list({ status })).messages.map(plain))
  for (const id of IDS) {
    await ask(`get ${id}`, async () => plain(await queue.get(id)))
    await ask(`payload of ${id}`, () => queue.getPayload(id))
  }
  await site.run(queue.close({ timeoutMs: 1000 }).catch(() => {}))
  return answers
}

/** Without the time of its enqueue, which a message in the inbox gets from the writer. */
function plain(info: MessageInfo | undefined): unknown {
  return info === undefined ? undefined : JSON.parse(JSON.stringify({ ...info, enqueuedAt: undefined }))
}

export interface Handled {
  /** Payloads by id. */
  readonly payloads: ReadonlyMap<string, unknown>
  readonly stats: unknown
}

/** A process that takes over and handles what is there. */
export async function handleAll(site: Site): Promise<Handled> {
  const queue = site.open()
  const payloads = new Map<string, unknown>()
  queue.process(({ id, payload }) => void payloads.set(id, payload), { concurrency: 4 })
  await site.clock.advance(180_000)
  const stats = await site.run(
    queue.getStats().catch((error: unknown) => {
      note(site, error)
      return 'unknown'
    }),
  )
  await site.run(queue.close({ timeoutMs: 5000 }).catch(() => {}))
  return { payloads, stats }
}

/** Processes at work on one queue, under which `change` damages an object. Resolves to what was handled, and what was acknowledged. */
export async function workUnder(change: (site: Site) => Promise<void>): Promise<{
  readonly site: Site
  readonly payloads: ReadonlyMap<string, unknown>
  readonly acknowledged: readonly string[]
}> {
  processes = 200
  const site = siteOn(createManualClock())
  const { clock } = site
  const payloads = new Map<string, unknown>()
  const acknowledged: string[] = []
  const handler = async ({ id, payload }: { readonly id: string; readonly payload: unknown }): Promise<void> => {
    await sleep(clock, 700)
    payloads.set(id, payload)
  }
  const [writer, remote] = [site.open(), site.open()]
  const enqueue = async (queue: Queue<unknown>, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const id = `m${acknowledged.length}`
      const call = queue.enqueue({ of: id, more: 'x'.repeat(i === 0 ? 300 : 10) }, { id })
      const isThere = await site.run(
        call.then(
          () => true,
          (error: unknown) => {
            note(site, error)
            return false
          },
        ),
      )
      if (!isThere) return
      acknowledged.push(id)
    }
  }
  writer.process(handler, { concurrency: 1 })
  await clock.advance(2000)
  remote.process(handler, { concurrency: 1 })
  await clock.advance(6000)
  await enqueue(writer, 10)
  await enqueue(remote, 2)
  await clock.advance(1200)
  await change(site)
  await enqueue(remote, 3)
  await enqueue(writer, 3)
  await clock.advance(120_000)
  await Promise.all([writer, remote].map((queue) => site.run(queue.close({ timeoutMs: 5000 }).catch(() => {}))))
  return { site, payloads, acknowledged }
}
