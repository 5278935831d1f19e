/**
 * One of several processes that work in one directory. Says `ready`, waits for `go`, does its job, and tells what it did.
 */
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { create, ifMatch, type ObjectStore, overwrite } from '@s3queue/storage'
import { createFsStore } from '../../src/index.ts'

export type Job =
  /** Adds 1 to the number in `counter`, so many times. */
  | { readonly job: 'count'; readonly times: number }
  /** Tries to create `race/<n>` for every n below `keys`; tells which it won. */
  | { readonly job: 'create'; readonly keys: number }
  /** Creates `lock`, does something that fails if two do it at once, and deletes it, so many times. */
  | { readonly job: 'lock'; readonly times: number }
  /** Creates `log/<n>` and moves `base` on to n, for ever; tells every n once both are stored. */
  | { readonly job: 'append' }
  /** Watches `bell`, and reports each number that it reads there when it is notified, up to `times`. */
  | { readonly job: 'listen'; readonly times: number }
  /** Begins a watch that it never ends, and does nothing else. */
  | { readonly job: 'watch' }

export interface WorkerArguments {
  readonly directory: string
  readonly name: string
  readonly job: Job
}

export type WorkerMessage =
  | { readonly ready: true }
  | { readonly done: readonly number[] }
  | { readonly stored: number }

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (body: Uint8Array): string => new TextDecoder().decode(body)

async function readNumber(store: ObjectStore, key: string): Promise<{ value: number; etag: string | undefined }> {
  const result = await store.get(key)
  return result.outcome === 'found'
    ? { value: Number(text(result.body)), etag: result.etag }
    : { value: 0, etag: undefined }
}

async function writeNumber(store: ObjectStore, key: string, value: number, etag: string | undefined): Promise<boolean> {
  const condition = etag === undefined ? create : ifMatch(etag)
  return (await store.put(key, bytes(String(value)), { condition })).outcome === 'stored'
}

async function count(store: ObjectStore, times: number): Promise<number[]> {
  for (let added = 0; added < times; ) {
    const { value, etag } = await readNumber(store, 'counter')
    if (await writeNumber(store, 'counter', value + 1, etag)) added++
  }
  return [times]
}

async function createAll(store: ObjectStore, keys: number, name: string): Promise<number[]> {
  const won: number[] = []
  for (let i = 0; i < keys; i++) {
    const { outcome } = await store.put(`race/${i}`, bytes(name), { condition: create })
    if (outcome === 'stored') won.push(i)
  }
  return won
}

async function lock(store: ObjectStore, times: number, directory: string): Promise<number[]> {
  for (let held = 0; held < times; ) {
    if ((await store.put('lock', bytes('held'), { condition: create })).outcome !== 'stored') continue
    const alone = join(directory, 'alone.txt')
    await (await open(alone, 'wx')).close()
    // Objects that are locked are also written over.
    await store.put('lock', bytes('still held'), { condition: overwrite })
    await unlink(alone)
    await store.delete(['lock'])
    held++
  }
  return [times]
}

async function append(store: ObjectStore): Promise<number[]> {
  const first = await readNumber(store, 'base')
  for (let n = first.value + 1; ; n++) {
    await store.put(`log/${n}`, bytes(`entry ${n}`), { condition: overwrite })
    const { etag } = await readNumber(store, 'base')
    if (await writeNumber(store, 'base', n, etag)) send({ stored: n })
  }
}

async function listen(store: ObjectStore, times: number): Promise<number[]> {
  const { signal } = new AbortController()
  let ring = Promise.withResolvers<void>()
  const onChange = (): void => ring.resolve()
  if (!(await store.watch?.({ prefix: 'bell', onChange, signal }))) throw new Error('The bell cannot be watched.')
  // Nothing else keeps this process alive: notifications do not.
  const alive = setInterval(() => {}, 60_000)
  send({ stored: 0 })
  for (let heard = 0; heard < times; ) {
    await ring.promise
    ring = Promise.withResolvers()
    const { value } = await readNumber(store, 'bell')
    if (value > heard) send({ stored: value })
    heard = value
  }
  clearInterval(alive)
  return [times]
}

async function watchWithoutEnd(store: ObjectStore): Promise<number[]> {
  const { signal } = new AbortController()
  const begun = await store.watch?.({ prefix: 'bells/', onChange: () => undefined, signal })
  return [begun ? 1 : 0]
}

function send(message: WorkerMessage): void {
  process.send?.(message)
}

async function run({ directory, name, job }: WorkerArguments): Promise<void> {
  const store = createFsStore({ directory: join(directory, 'store') })
  await store.get('opened')
  const started = new Promise((resolve) => process.once('message', resolve))
  send({ ready: true })
  await started
  const work = {
    count: () => count(store, job.job === 'count' ? job.times : 0),
    create: () => createAll(store, job.job === 'create' ? job.keys : 0, name),
    lock: () => lock(store, job.job === 'lock' ? job.times : 0, directory),
    append: () => append(store),
    listen: () => listen(store, job.job === 'listen' ? job.times : 0),
    watch: () => watchWithoutEnd(store),
  }
  send({ done: await work[job.job]() })
  process.disconnect()
}

await run(JSON.parse(process.argv[2] ?? '{}') as WorkerArguments)
