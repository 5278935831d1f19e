/** A message that is not to be handled before its time. */
import type { Scene } from '../scene.ts'

export const delays: Scene = {
  title: 'Later: delayMs and at',
  async play({ queue, say, check }) {
    const handled: { payload: unknown; afterMs: number; claimedAt: number }[] = []
    const start = Date.now()
    const worker = queue.process(({ payload }, { claimedAt }) => {
      handled.push({ payload, afterMs: Date.now() - start, claimedAt })
    })

    await queue.enqueue('now')
    await queue.enqueue('soon', { delayMs: 150 })
    const at = Date.now() + 300
    await queue.enqueue('later', { at })
    say('Enqueued: "now", "soon" with delayMs: 150, and "later" with an at: in 300 ms.')
    await queue.drain()
    await worker.stop()

    say(`Handled: ${handled.map(({ payload, afterMs }) => `"${payload}" after ${afterMs} ms`).join(', ')}.`)
    const [, soon, later] = handled
    check('in this order', handled.map(({ payload }) => payload).join() === 'now,soon,later')
    check('none before its time', Number(soon?.afterMs) >= 150 && Number(later?.claimedAt) >= at)
  },
}
