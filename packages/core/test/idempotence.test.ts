import type { ObjectStore } from '@s3queue/storage'
import { StoreUnavailable, UnknownOutcome } from '@s3queue/storage'
import type { MemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { NotAcknowledged } from '../src/index.ts'
import { createWorld } from './support.ts'

/** A store whose connection breaks behind the next write below `part`: that one is applied, and no answer comes any more. */
function breaking(store: MemoryStore): { readonly store: ObjectStore; breakAfter(part: string): void; mend(): void } {
  let fatal: string | undefined
  let broken = false
  const gone = (): Promise<never> => Promise.reject(new StoreUnavailable('connection reset'))
  const unanswered = { outcome: 'unknown', error: new UnknownOutcome('connection reset') } as const
  return {
    breakAfter: (part) => {
      fatal = part
    },
    mend: () => {
      broken = false
      fatal = undefined
    },
    store: {
      description: store.description,
      get: (key, options) => (broken ? gone() : store.get(key, options)),
      list: (options) => (broken ? gone() : store.list(options)),
      delete: (keys, options) => (broken ? gone() : store.delete(keys, options)),
      async put(key, body, options) {
        if (broken) return unanswered
        const answer = await store.put(key, body, options)
        if (fatal === undefined || !key.includes(fatal)) return answer
        broken = true
        return unanswered
      },
    },
  }
}

describe('a reply that is lost', () => {
  it.each([
    ['of a commit, in the process that writes', '/log/', false],
    ['of an object in the inbox, in another process', '/inbox/', true],
  ])('%s: the call is repeated elsewhere with the same id, and there is one message', async (_, part, elsewhere) => {
    const { open, run, store, clock } = createWorld()
    const writer = elsewhere ? open<string>() : undefined
    writer?.process(() => new Promise(() => {}), { maxPrefetch: 0 })
    if (writer !== undefined) await run(writer.enqueue('before'))
    const connection = breaking(store)
    const first = open<string>({ store: connection.store, acknowledgeTimeoutMs: 5000 })
    first.on('trouble', () => {})
    await run(first.pause())
    connection.breakAfter(part)
    await expect(run(first.enqueue('a', { id: 'order-1' }))).rejects.toThrow(NotAcknowledged)

    const second = open<string>()
    await clock.advance(60_000)
    expect((await run(second.enqueue('a', { id: 'order-1' }))).id).toBe('order-1')
    const { total } = await run(second.getStats())
    expect(total).toBe(elsewhere ? 2 : 1)
    expect(await run(second.getPayload('order-1'))).toBe('a')
    // Whatever the first one still sends changes nothing.
    connection.mend()
    await clock.advance(60_000)
    expect((await run(second.getStats())).total).toBe(total)
    await run(first.close())
    await run(second.close())
    if (writer !== undefined)
      await run(writer.cancel((await run(writer.list({ status: 'active' }))).messages[0]?.id ?? ''))
    await run(Promise.resolve(writer?.close()))
  })

  it('is no loss if the store comes back in time: the call resolves, and the message is there once', async () => {
    const { open, run, store, clock } = createWorld()
    const connection = breaking(store)
    const queue = open<string>({ store: connection.store })
    queue.on('trouble', () => {})
    await run(queue.pause())
    connection.breakAfter('/log/')
    const enqueued = queue.enqueueMany(['a', 'b'])
    await clock.advance(3000)
    connection.mend()
    expect(await run(enqueued)).toHaveLength(2)
    expect(await run(queue.getStats())).toMatchObject({ waiting: 2, total: 2 })
    await run(queue.close())
  })
})
