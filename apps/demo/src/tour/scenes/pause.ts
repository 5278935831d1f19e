/** A queue that takes messages and hands none out: for maintenance, or while what the handlers need is down. */
import type { Scene } from '../scene.ts'

export const pause: Scene = {
  title: 'Hold it: pause and resume',
  async play({ queue, say, check }) {
    const handled: unknown[] = []
    const handler = ({ payload }: { payload: unknown }): void => void handled.push(payload)

    await queue.pause()
    await queue.enqueueMany(['a', 'b'])
    const handedOut = await queue.processNext(handler)
    const { waiting } = await queue.getStats()
    say(`Paused: two messages can be enqueued, ${waiting} are waiting, processNext() finds none to be had.`)
    check('nothing is handed out', !handedOut && waiting === 2)

    await queue.resume()
    const worker = queue.process(handler)
    await queue.drain()
    await worker.stop()
    say(`Resumed: ${handled.length} are handled.`)
    check('what came meanwhile is not lost', handled.join() === 'a,b')
  },
}
