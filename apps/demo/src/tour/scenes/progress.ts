/** What a handler tells while it works, and what it returns, seen by somebody else. */
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Scene } from '../scene.ts'

export const progress: Scene = {
  title: 'How is it going? progress, log, and waitFor',
  async play({ queue, say, check }) {
    const { id } = await queue.enqueue('report for May')
    const enough = Promise.withResolvers<void>()
    const worker = queue.process(async (_, context) => {
      context.log('read 6 of 12 pages')
      context.progress({ percent: 50 })
      await enough.promise
      return { pages: 12 }
    })

    let seen = await queue.get(id)
    while (seen?.progress === undefined) {
      await setTimeout(20)
      seen = await queue.get(id)
    }
    say(`get(id) while it runs: ${seen.status}, ${JSON.stringify(seen.progress)}, "${seen.log?.at(-1)}".`)

    const waiting = queue.waitFor(id)
    enough.resolve()
    const result = await waiting
    say(`waitFor(id) resolves to what the handler returned: ${JSON.stringify(result)}.`)
    await worker.stop()

    check('progress is seen from outside', isDeepStrictEqual(seen.progress, { percent: 50 }))
    check('so is the log', isDeepStrictEqual(seen.log, ['read 6 of 12 pages']))
    check('and the result', isDeepStrictEqual(result, { pages: 12 }))
  },
}
