/** A message that is not wanted any more, before and while it is handled. */
import { once } from 'node:events'
import { Cancelled } from '@s3queue/core'
import type { Scene } from '../scene.ts'

export const cancel: Scene = {
  title: 'Never mind: cancel',
  async play({ queue, say, check }) {
    const waiting = await queue.enqueue('not begun')
    const wasThere = await queue.cancel(waiting.id)
    say(`A message that waits: cancel(id) says ${wasThere}.`)
    check('it is gone', wasThere && (await queue.get(waiting.id)) === undefined)

    const running = await queue.enqueue('half done')
    const started = Promise.withResolvers<AbortSignal>()
    const worker = queue.process(async (_, { signal }) => {
      started.resolve(signal)
      await once(signal, 'abort') // or: await fetch(url, { signal })
      return 'done all the same'
    })
    const signal = await started.promise
    await queue.cancel(running.id)
    say(`A message that is being handled: its signal is aborted, the reason is ${signal.reason?.name}.`)
    await worker.stop()
    check('its handler is told', signal.reason instanceof Cancelled)
    check('what it returns does not count', (await queue.get(running.id)) === undefined)
  },
}
