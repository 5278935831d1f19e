/** A handler that throws is tried again, after waits that double. */
import type { Scene } from '../scene.ts'

export const backoff: Scene = {
  title: 'Try again: retries with backoff',
  async play({ queue, say, check }) {
    await queue.enqueue('mail', { maxAttempts: 5, backoff: { baseMs: 100, maxMs: 10_000 } })

    const startedAt: number[] = []
    const worker = queue.process((_, { attempt }) => {
      startedAt.push(Date.now())
      if (attempt < 3) throw new Error('mail server is busy')
    })
    say('A mail whose first two attempts throw, with backoff: { baseMs: 100 }.')
    await queue.drain()
    await worker.stop()

    const [first = 0, second = 0, third = 0] = startedAt
    const waits = [second - first, third - second]
    say(`Attempt 2 came after ${waits[0]} ms, attempt 3 after ${waits[1]} ms more.`)
    check('three attempts', startedAt.length === 3)
    check('none before its wait was over', second - first >= 100 && third - second >= 200)
  },
}
