/** A queue that takes only what fits. */
import { createQueue, InvalidPayload, type QueueOptions } from '@s3queue/core'
import type { Scene } from '../scene.ts'

interface Letter {
  readonly to: string
  readonly copies?: number
}

/** By hand, to show how little it takes. With zod, valibot or arktype it is one line, and the queue's type follows from it. */
const letterSchema: QueueOptions['schema'] = {
  '~standard': {
    version: 1,
    vendor: 'the tour',
    validate(value) {
      const { to, copies = 1 } = value as Partial<Letter>
      if (typeof to === 'string' && to.includes('@')) return { value: { to, copies } }
      return { issues: [{ path: ['to'], message: 'must be an address' }] }
    },
  },
}

export const schema: Scene = {
  title: 'Only what fits: a schema',
  async play({ store, say, check }) {
    const letters = createQueue<Letter>({ name: 'letters', store, schema: letterSchema })
    try {
      const refused: unknown = await letters.enqueue({ to: 'nobody' }).then(
        () => undefined,
        (error) => error,
      )
      if (refused instanceof Error) say(`enqueue({ to: 'nobody' }) rejects: ${refused.message}.`)

      await letters.enqueue({ to: 'ada@example.org' })
      let received: Letter | undefined
      await letters.processNext(({ payload }) => {
        received = payload
      })
      say(`The handler of a good one gets what the schema made of it: ${JSON.stringify(received)}.`)

      check('what does not fit is refused', refused instanceof InvalidPayload)
      check('and is not in the queue', (await letters.getStats()).total === 1)
      check('defaults are filled in', received?.copies === 1)
    } finally {
      await letters.close()
    }
  },
}
