/** The same thing asked for twice is in the queue once. */
import type { Scene } from '../scene.ts'

export const duplicates: Scene = {
  title: 'Only once in the queue: id and deduplicationKey',
  async play({ queue, say, check }) {
    const order = { id: 'order-7' }
    const sent = await queue.enqueue({ total: 42 }, order)
    const sentAgain = await queue.enqueue({ total: 42 }, order)
    say(`Twice with id: "order-7", as after a lost reply: duplicate is ${sent.duplicate}, then ${sentAgain.duplicate}.`)

    const index = { deduplicationKey: 'reindex', deduplicationWindowMs: 60_000 }
    const asked = await queue.enqueue('reindex', index)
    const askedAgain = await queue.enqueue('reindex', index)
    say(`Twice with the same deduplicationKey in a minute: ${asked.duplicate}, then ${askedAgain.duplicate}.`)

    let handled = 0
    const worker = queue.process(() => void handled++)
    await queue.drain()
    await worker.stop()
    const sentLate = await queue.enqueue({ total: 42 }, order)

    check('four calls, two messages', handled === 2 && askedAgain.id === asked.id)
    check('the id is still known when its message is done', sentLate.duplicate === true)
  },
}
