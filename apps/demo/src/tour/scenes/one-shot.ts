/** A process that comes, works for a while, and leaves: for Lambda and cron. */
import type { Scene } from '../scene.ts'

export const oneShot: Scene = {
  title: 'Just a few: processNext, and drain with bounds',
  async play({ queue, say, check }) {
    const handler = (): void => {}
    await queue.enqueueMany(Array.from({ length: 8 }, (_, n) => `job ${n}`))
    const one = await queue.processNext(handler)
    say(`Eight jobs. processNext() handles one of them and says ${one}.`)

    let worker = queue.process(handler)
    const some = await queue.drain({ maxMessages: 3 })
    await worker.stop()
    const { waiting } = await queue.getStats()
    say(`drain({ maxMessages: 3 }) handles ${some.handled} more; ${waiting} wait for whoever comes next.`)
    check('no more than it was told to', one && !some.drained && some.handled === 3 && waiting === 4)

    const tomorrow = await queue.enqueue('not today', { delayMs: 86_400_000 })
    worker = queue.process(handler)
    const rest = await queue.drain({ includeDelayed: false })
    const late = await queue.drain({ deadlineMs: 100 })
    await worker.stop()
    say(`drain({ includeDelayed: false }) handles the other ${rest.handled}, and leaves a job for tomorrow alone;`)
    say(`drain({ deadlineMs: 100 }) waits for it, but no longer than that: drained is ${late.drained}.`)
    check('no longer than it was told to', rest.drained && rest.handled === 4 && !late.drained)

    await queue.cancel(tomorrow.id)
    check('and then there is none', !(await queue.processNext(handler)))
  },
}
