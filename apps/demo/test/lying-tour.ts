/** The demo with a queue that pays no heed to priorities. */
import { demo } from '../src/demo.ts'
import { openTourQueue } from '../src/tour/tour.ts'

process.exitCode = await demo(process.argv.slice(2), {
  openTourQueue(store) {
    const queue = openTourQueue(store)
    const honest = queue.enqueue.bind(queue)
    queue.enqueue = (payload, options) => honest(payload, { ...options, priority: 0 })
    return queue
  },
})
