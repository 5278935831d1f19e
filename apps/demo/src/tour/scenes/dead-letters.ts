/** What cannot be handled is kept, with the reason, until somebody has mended it. */
import { NotRetriable } from '@s3queue/core'
import type { Scene } from '../scene.ts'

export const deadLetters: Scene = {
  title: 'Beyond help, for now: dead letters and redrive',
  async play({ queue, say, check }) {
    let broken = true
    const worker = queue.process(({ payload }) => {
      if (payload === 'nobody') throw new NotRetriable('no such address')
      if (broken) throw new Error('printer is on fire')
      return 'printed'
    })
    const options = { maxAttempts: 2, backoff: { baseMs: 10 } }
    const letter = await queue.enqueue('Ada', options)
    const nobody = await queue.enqueue('nobody', options)
    await queue.drain()

    const { messages } = await queue.list({ status: 'dead' })
    const dead = new Map(messages.map((message) => [message.id, message]))
    const causes = messages.map(({ attempts, failures }) => `${failures?.at(-1)?.message} (attempts: ${attempts})`)
    say(`Dead: ${causes.join(', ')}.`)
    check('tried as often as maxAttempts says', dead.get(letter.id)?.attempts === 2)
    check('what is not retriable is not tried again', dead.get(nobody.id)?.attempts === 1)

    broken = false
    const count = await queue.redrive(letter.id)
    const result = await queue.waitFor(letter.id)
    say(`The printer is mended: redrive(id) puts ${count} back, and it is ${result}.`)
    await worker.stop()
    check('a dead letter can be put back', count === 1 && result === 'printed')
  },
}
