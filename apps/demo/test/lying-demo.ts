/** The demo with a mail server that loses the first mail it has accepted. */
import { demo } from '../src/demo.ts'
import { startMailServer } from '../src/mail-server.ts'

process.exitCode = await demo(process.argv.slice(2), {
  async startMailServer(options) {
    const honest = await startMailServer(options)
    return {
      ...honest,
      get isDown() {
        return honest.isDown
      },
      get deliveries() {
        return honest.deliveries.slice(1)
      },
    }
  },
})
