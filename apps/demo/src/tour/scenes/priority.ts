/** What is more important comes first, whenever it came. */
import type { Scene } from '../scene.ts'

export const priority: Scene = {
  title: 'First things first: priority',
  async play({ queue, say, check }) {
    await queue.enqueue('newsletter', { priority: -5 })
    await queue.enqueueMany(['invoice 1', 'invoice 2'])
    await queue.enqueue('password reset', { priority: 10 })
    say('Enqueued: a newsletter with priority -5, two invoices with none, a password reset with 10.')

    const handled: unknown[] = []
    const worker = queue.process(({ payload }) => {
      handled.push(payload)
    })
    await queue.drain()
    await worker.stop()

    say(`Handled: ${handled.join(', ')}.`)
    const ranked = ['password reset', 'invoice 1', 'invoice 2', 'newsletter']
    check('the highest first, equals as they came', handled.join() === ranked.join())
  },
}
