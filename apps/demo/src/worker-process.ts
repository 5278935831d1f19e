/**
 * A process that works: it opens the queue, sends mails, and notes what it sees in a journal. Whether it will be killed it does not know.
 *
 * It ends when the channel to its parent does, so it cannot be left behind.
 */

import { costOf } from './cost.ts'
import { openNewsletterQueue, openSharedNewsletterQueue } from './newsletter-queue.ts'
import { openJournal, watch } from './notes.ts'
import { openStore } from './open-store.ts'
import { createMailer } from './send-mail.ts'
import type { WorkerReport, WorkerSetup } from './spawned-worker.ts'

/** How often the cost is noted; what came after the last note dies with the process. */
const COUNT_EVERY_MS = 50

/** To nobody once the parent has ended the channel: then this process is about to end as well. */
function report(what: WorkerReport): void {
  if (process.connected) process.send?.(what)
}

function work({ name, shared, place, prefix, patience, mailPort, concurrency, journal: path }: WorkerSetup): void {
  const journal = openJournal(path, name)
  const { store, close } = openStore(place, prefix)
  const queue = (shared ? openSharedNewsletterQueue : openNewsletterQueue)(store, patience)
  watch(queue, journal.note)
  for (const change of ['promoted', 'demoted'] as const) queue.on(change, () => report(change))
  queue.process(createMailer(mailPort), { concurrency, workerId: shared ? name : undefined })
  const noteCost = (): void => journal.note({ kind: 'cost', cost: costOf(queue) })
  const counting = setInterval(noteCost, COUNT_EVERY_MS)
  process.once('disconnect', async () => {
    await queue.close()
    clearInterval(counting)
    noteCost()
    close()
    journal.close()
  })
}

// Ctrl-C in a terminal reaches all processes of the demo; the parent decides what it means.
process.on('SIGINT', () => {})
process.once('message', (setup) => work(setup as WorkerSetup))
report('ready')
