/** A process whose wall clock jumps by more than the 15 minutes that S3 allows for. The server checks signatures. */
import { createCoordinatedQueue } from '@s3queue/coordinator'
import { create, ifMatch } from '@s3queue/storage'
import { createS3Store } from '@s3queue/storage-s3'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createTestBucket } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'

const HOUR_MS = 3_600_000

/** Sets the wall clock of this process `ms` ahead. Timers and the monotonic clock do not notice. */
function jump(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms, shouldAdvanceTime: true })
  onTestFinished(() => void vi.useRealTimers())
}

describeOnS3('a process whose clock jumps', (server) => {
  test('every request gets its answer: none is denied', async () => {
    const store = createS3Store(await createTestBucket(server, 'jump'))
    onTestFinished(() => store.destroy())
    const body = new Uint8Array([1, 2, 3])
    const first = await store.put('k', body, { condition: create })
    for (const ms of [2 * HOUR_MS, -3 * HOUR_MS]) {
      jump(ms)
      const put = await store.put(`k${ms}`, body, { condition: create })
      expect(put.outcome).toBe('stored')
      jump(-ms)
      const conflict = await store.put('k', body, { condition: ifMatch('"none"') })
      expect(conflict.outcome).toBe('precondition-failed')
      jump(ms)
      expect((await store.list({ prefix: '' })).entries.length).toBeGreaterThan(1)
      jump(-ms)
      await store.delete([`k${ms}`])
    }
    expect(await store.get('k')).toMatchObject({ etag: 'etag' in first ? first.etag : '' })
  })

  test('a writer stays the writer, and its messages are acknowledged', async () => {
    const store = createS3Store(await createTestBucket(server, 'jump'))
    const queue = createCoordinatedQueue<number>({ name: 'jumps', store })
    onTestFinished(async () => {
      await queue.close()
      store.destroy()
    })
    const demotions: string[] = []
    queue.on('demoted', ({ reason }) => demotions.push(String(reason)))
    await queue.enqueue(0)
    for (const ms of [HOUR_MS, -2 * HOUR_MS, HOUR_MS]) {
      jump(ms)
      await queue.enqueue(ms)
    }
    expect(await queue.getStats()).toMatchObject({ waiting: 4 })
    expect(demotions).toEqual([])
  })
})
