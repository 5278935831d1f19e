/** What became of everything, and what it cost. */
import type { Scene } from '../scene.ts'

export const balance: Scene = {
  title: 'The balance: getStats, getCost, and close',
  async play({ queue, witness, say, check }) {
    const { completed, dead, waiting, delayed, active } = await queue.getStats()
    const left = waiting + delayed + active
    say(`getStats(): ${completed} completed, ${dead} dead, ${left} left.`)
    check('as many completions as the events have told of', completed === witness.completed)
    check('nothing is left over', left === 0)

    await queue.close() // makes everything durable; another process can take over at once
    const { requests, enqueued, requestsPerMessage = 0, dollars } = queue.getCost()
    say(`getCost(): ${requests} requests for ${enqueued} messages, which is $${dollars.toFixed(4)} on S3.`)
    say(`${requestsPerMessage.toFixed(1)} requests a message, done one by one: what comes together shares them.`)
    check('the store has counted as many requests', requests === witness.requests)
  },
}
