/**
 * The process that will be killed: it opens the same queue, works, and notes what it sees in a journal. It knows nothing of its fate.
 *
 * It ends when the channel to its parent does, so it cannot be left behind.
 */

import { costOf } from './cost.ts'
import type { ChildSetup } from './crash.ts'
import { openNewsletterQueue } from './newsletter-queue.ts'
import { openJournal, watch } from './notes.ts'
import { openStore } from './open-store.ts'
import { createMailer } from './send-mail.ts'

/** How often the cost is noted; what came after the last note dies with the process. */
const COUNT_EVERY_MS = 50

function work({ name, place, prefix, patience, mailPort, concurrency, journal: path }: ChildSetup): void {
  const journal = openJournal(path, name)
  const { store, close } = openStore(place, prefix)
  const queue = openNewsletterQueue(store, patience)
  watch(queue, journal.note)
  queue.on('promoted', () => process.send?.('at work'))
  queue.process(createMailer(mailPort), { concurrency })
  const counting = setInterval(() => journal.note({ kind: 'cost', cost: costOf(queue) }), COUNT_EVERY_MS)
  process.once('disconnect', async () => {
    await queue.close()
    clearInterval(counting)
    close()
    journal.close()
  })
}

// Ctrl-C in a terminal reaches all processes of the demo; the parent decides what it means.
process.on('SIGINT', () => {})
process.once('message', (setup) => work(setup as ChildSetup))
