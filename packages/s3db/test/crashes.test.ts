/** A process dies at each of its writes, before and after it takes effect; the next process goes on from what is there. */
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { Database } from 's3db.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeadLetters, openDeadLetterResource, type S3dbResource } from '../src/index.ts'
import { type Death, MortalProcess } from './mortal-process.ts'

const LIVES: Death = { at: Number.POSITIVE_INFINITY, takesEffect: true }

describe('a process dies at any write', () => {
  it('while it enqueues: what was acknowledged is there, nothing runs half, and the same enqueue again leads to one run', async () => {
    const deaths = await atEachWrite(async (death) => {
      const { db, tasks, store } = await openPlace()
      const process = new MortalProcess(store, tasks, death)
      const acknowledged = await Promise.race([
        process.enqueuer.enqueue({ id: 'a', type: 'x' }).then(() => true),
        process.died.then(() => false),
      ])
      if (death === LIVES) await process.queue.close()

      const next = new MortalProcess(store, tasks, LIVES)
      const { waiting } = await next.queue.getStats()
      if (acknowledged) expect(waiting).toBe(1)
      if (waiting > 0) expect(await tasks.get('a')).toMatchObject({ type: 'x' })
      await next.enqueuer.enqueue({ id: 'a', type: 'x' })
      const handled: string[] = []
      next.queue.process(async ({ id }) => void handled.push(id))
      await next.queue.drain()
      expect(handled).toEqual(['a'])
      expect(await tasks.count()).toBe(1)
      expect(await next.queue.getStats()).toMatchObject({ completed: 1, total: 1 })
      await next.queue.close()
      await db.disconnect()
      return process
    })
    // The record, the message, and what comes before: the sign of life and the fence.
    expect(deaths).toBeGreaterThanOrEqual(2 * 4)
  }, 60_000)

  it('from the last attempt to the dead letter: its row is there once', async () => {
    const deaths = await atEachWrite(async (death) => {
      const { db, tasks, store } = await openPlace()
      const rows = await openDeadLetterResource(db as never, 'dead')
      const producer = new MortalProcess(store, tasks, LIVES)
      await producer.enqueuer.enqueue({ id: 'a', type: 'x' })
      await producer.queue.close()

      const process = new MortalProcess(store, tasks, death, { visibilityTimeoutMs: 300 })
      const over = failAndMove(process, rows)
      await Promise.race([over, process.died])
      if (death === LIVES) await process.queue.close()

      const next = new MortalProcess(store, tasks, LIVES, { visibilityTimeoutMs: 300 })
      await failAndMove(next, rows)
      expect(await rows.list()).toMatchObject([{ originalId: 'a', attempts: 1, data: { id: 'a', type: 'x' } }])
      expect(await next.queue.getStats()).toMatchObject({ total: 0 })
      await next.queue.close()
      await db.disconnect()
      return process
    })
    // Among them: the claim, the death, the row, and its note.
    expect(deaths).toBeGreaterThanOrEqual(2 * 4)
  }, 60_000)
})

/** Tries every write of a run that lives, both ways. Resolves to how many processes really died. */
async function atEachWrite(attempt: (death: Death) => Promise<MortalProcess>): Promise<number> {
  const { writes } = await attempt(LIVES)
  let deaths = 0
  for (let at = 1; at <= writes; at++) {
    for (const takesEffect of [false, true]) {
      const process = await attempt({ at, takesEffect })
      if (process.writes >= at) deaths++
    }
  }
  return deaths
}

/** Handles what there is, which fails, and moves what is dead. Resolves when the queue knows nothing any more. */
async function failAndMove(process: MortalProcess, rows: S3dbResource): Promise<void> {
  const { queue, records, clock } = process
  const letters = new DeadLetters({
    ...{ resource: process.resource(rows), records, queue: () => queue, clock, retryMs: 20, batchSize: 10 },
    tell: () => {},
  })
  queue.on('died', () => void letters.move())
  queue.on('promoted', () => void letters.move())
  const worker = queue.process(() => Promise.reject(new Error('no')))
  while ((await queue.getStats()).total > 0)
    await new Promise((resolve) => clock.setTimer(10, () => resolve(undefined)))
  await letters.stop()
  await worker.stop()
}

let places = 0

async function openPlace(): Promise<{ db: Database; tasks: S3dbResource; store: MemoryStore }> {
  const connectionString = `memory://crashes-${process.pid}-${++places}/app`
  const options = { connectionString, logLevel: 'silent', executorPool: { retries: 0 } }
  const db = new Database(options as ConstructorParameters<typeof Database>[0])
  await db.connect()
  onTestFinished(() => db.disconnect())
  const tasks: S3dbResource = await db.createResource({ name: 'tasks', attributes: { type: 'string|required' } })
  return { db, tasks, store: createMemoryStore() }
}
