import { overwrite, sleep } from '@s3queue/storage'
import type { MemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { createCoordinatedQueue } from '../src/index.ts'
import { createWorld, linkTo, type Process, type World } from './support.ts'

type Copy = ReturnType<MemoryStore['snapshot']>

/** The store holds exactly what it held when the copy was taken. */
async function restore({ store }: World, copy: Copy): Promise<void> {
  await store.delete([...store.snapshot().keys()])
  for (const [key, { body }] of copy) await store.put(key, body, { condition: overwrite })
}

/** Codes of what a process reports in the background. */
function troublesOf({ queue }: Process): unknown[] {
  const codes: unknown[] = []
  queue.on('trouble', ({ error }) => codes.push(error instanceof Error && 'code' in error ? error.code : error))
  return codes
}

/** Two processes with workers, of which the first writes; a copy of the store; then messages, of which the second handles some for long. */
async function busyWorld(world: World, handlerMs: number) {
  const options = { visibilityTimeoutMs: 600_000 }
  const writer = world.open<string>(options)
  writer.queue.process((_message, { signal }) => sleep(world.clock, handlerMs, signal), { concurrency: 2 })
  await world.pass(1_000)
  const link = linkTo(world.store)
  const remote = world.open<string>(options, {}, link.store)
  const tokens: number[] = []
  const ended: unknown[] = []
  remote.queue.process(
    async (_message, { fencingToken, signal }) => {
      tokens.push(fencingToken)
      await sleep(world.clock, handlerMs, signal).catch(() => {})
      ended.push(signal.aborted ? signal.reason : 'done')
    },
    { concurrency: 4 },
  )
  await world.pass(20_000)
  const copy = world.store.snapshot()
  await world.run(writer.queue.enqueueMany(Array.from({ length: 6 }, (_, i) => `old ${i}`)))
  await world.pass(15_000)
  expect(tokens.length).toBe(4)
  return { writer, remote, link, tokens, ended, copy }
}

describe.each([
  ['emptied', (_copy: Copy): Copy => new Map()],
  ['set back to an earlier state', (copy: Copy): Copy => copy],
])('a store that is %s', (_, choose) => {
  it('is noticed by the worker of another process, whose handlers get their signals aborted', async () => {
    const world = createWorld()
    const { writer, remote, ended, copy } = await busyWorld(world, 300_000)
    const troubles = [troublesOf(writer), troublesOf(remote)]
    await restore(world, choose(copy))
    await world.pass(40_000)
    for (const codes of troubles) expect(codes).toContain('LOG_REPLACED')
    expect(ended).toHaveLength(4)
    for (const reason of ended) expect(reason).toMatchObject({ code: 'LOG_REPLACED' })
    await world.run(Promise.all([writer.queue.close(), remote.queue.close()]))
  })

  it('takes no settlement of a claim that was made before, although its token is in use', async () => {
    const world = createWorld()
    const { writer, remote, link, tokens, ended, copy } = await busyWorld(world, 60_000)
    link.cut()
    await world.run(writer.queue.close({ timeoutMs: 1_000 }))
    await restore(world, choose(copy))
    const fresh = world.open<string>({ visibilityTimeoutMs: 600_000 })
    const troubles = troublesOf(fresh)
    const inUse = new Set<number>()
    fresh.queue.process(
      async (_message, { fencingToken, signal }) => {
        inUse.add(fencingToken)
        await sleep(world.clock, 500_000, signal)
      },
      { concurrency: 20 },
    )
    await world.run(fresh.queue.enqueueMany(Array.from({ length: 20 }, (_, i) => `new ${i}`)))
    // The handlers of the worker end while it cannot reach the store.
    await world.pass(100_000)
    expect(ended).toEqual(['done', 'done', 'done', 'done'])
    for (const token of tokens) expect(inUse.has(token)).toBe(true)
    link.mend()
    await world.pass(60_000)
    expect(troubles).toContain('FOREIGN_COMMANDS')
    const { active, completed } = await world.run(fresh.queue.getStats())
    expect({ active, completed }).toEqual({ active: 20, completed: 0 })
    await expect(world.run(remote.queue.getStats())).rejects.toMatchObject({ code: 'LOG_REPLACED' })
    await world.run(Promise.all([remote.queue.close(), fresh.queue.close({ timeoutMs: 5_000 })]))
  })
})

describe('acceptRestore()', () => {
  it('raises the fencing tokens of all shards', async () => {
    const world = createWorld()
    const queue = createCoordinatedQueue<string>({
      ...{ name: 'jobs', store: world.store, shards: 3, runtime: world.runtime() },
    })
    const tokens: number[] = []
    queue.process(async (_message, { fencingToken }) => void tokens.push(fencingToken))
    const payloads = Array.from({ length: 30 }, (_, i) => `message ${i}`)
    await world.run(queue.enqueueMany(payloads))
    await world.run(queue.drain())
    const highest = Math.max(...tokens)
    const first = await world.run(queue.acceptRestore())
    expect(first).toBeGreaterThan(highest)
    tokens.length = 0
    await world.run(queue.enqueueMany(payloads))
    await world.run(queue.drain())
    expect(tokens).toHaveLength(30)
    for (const token of tokens) expect(token).toBeGreaterThanOrEqual(first)
    await world.run(queue.close())
  })
})
