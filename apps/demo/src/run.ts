/** One run of the demo from the address list to the account of it. */
import { join } from 'node:path'
import type { Worker } from '@s3queue/core'
import type { Account } from './account.ts'
import { addCosts, costOf, since } from './cost.ts'
import { type Crash, crashHalfway } from './crash.ts'
import type { MailServer, startMailServer } from './mail-server.ts'
import { enqueueAll, halfOf, listDeadLetters, type Workplace } from './newsletter.ts'
import { HASTY, openNewsletterQueue, RELAXED } from './newsletter-queue.ts'
import { createNotebook, readJournal, watch } from './notes.ts'
import type { DemoOptions } from './options.ts'
import { workTogether } from './pods/work-together.ts'
import { withPremises } from './premises.ts'
import { type ShowProgress, watchForStall } from './progress.ts'
import { type ListedRecipient, readRecipients } from './recipients.ts'
import { createMailer } from './send-mail.ts'

/** The file for the notes of the process that will be killed. */
const JOURNAL = 'journal.jsonl'

export interface Surroundings {
  readonly startMailServer: typeof startMailServer
  readonly showProgress: ShowProgress
  /** A line to the user that is no part of the result. */
  readonly say: (line: string) => void
  /** Aborted when the user wants to stop. */
  readonly interrupt: AbortSignal
}

/** Runs and cleans up. Throws when the store or the machine does not play along. */
export async function run(options: DemoOptions, surroundings: Surroundings): Promise<Account> {
  const { place, keep, crash, pods } = options
  const recipients = await readRecipients(options.messages)
  const usesScratch = crash || pods !== undefined
  return withPremises({ place, keep, usesScratch }, surroundings.interrupt, async (premises) => {
    const mailServer = await surroundings.startMailServer(moodsFor(recipients))
    try {
      const { showProgress, say, interrupt } = surroundings
      const workplace = { ...premises, options, recipients, mailServer, showProgress, say, interrupt }
      const account = await (pods === undefined ? work(workplace) : workTogether(workplace, pods))
      const journals = usesScratch ? [premises.scratch] : []
      return { ...account, kept: keep ? [premises.store.description, ...journals] : [] }
    } finally {
      await mailServer.close()
    }
  })
}

function moodsFor(recipients: readonly ListedRecipient[]): Parameters<typeof startMailServer>[0] {
  const good = recipients.filter(({ expected }) => expected === 'sent')
  return {
    mailboxes: new Set(good.map(({ email }) => email.toLowerCase())),
    greylistEvery: 8,
    outage: { after: Math.ceil(good.length * 0.3), forMs: 800 },
    confirmMs: 20,
  }
}

async function work(workplace: Workplace): Promise<Omit<Account, 'kept'>> {
  const { options, recipients, store, mailServer } = workplace
  const patience = options.crash ? HASTY : RELAXED
  const queue = openNewsletterQueue(store, patience)
  const { notes, note } = createNotebook('this process')
  watch(queue, note)
  const stall = watchForStall(() => notes.length + mailServer.deliveries.length)
  const signal = AbortSignal.any([workplace.interrupt, stall.signal])
  try {
    // This creates the queue and makes it the writer. What that takes is counted apart: it is done once, however many messages follow.
    await queue.pause()
    await queue.resume()
    const opening = costOf(queue)
    const startedAt = performance.now()
    const ids = await enqueueAll(queue, recipients)
    const endProgress = workplace.showProgress(() => describeProgress(mailServer, recipients.length))
    let worker: Worker | undefined
    let crash: Crash | undefined
    const startWorker = (): void => {
      worker = queue.process(createMailer(mailServer.port), { concurrency: options.concurrency })
    }
    try {
      if (options.crash) crash = await crashOne(workplace, startWorker, signal)
      else startWorker()
      await queue.drain({ signal })
    } catch (error) {
      if (!workplace.interrupt.aborted) throw error
    } finally {
      endProgress()
    }
    const elapsedMs = performance.now() - startedAt
    await worker?.stop({ timeoutMs: 5000 })
    const stats = await queue.getStats()
    const theirs = options.crash ? await readJournal(join(workplace.scratch, JOURNAL)) : []
    const last = theirs.findLast((each) => each.kind === 'cost')
    const mine = since(opening, costOf(queue))
    const dead = await listDeadLetters(queue)
    return {
      ...{ recipients, ids, stats, dead, patience, elapsedMs, crash, opening },
      deliveries: mailServer.deliveries,
      notes: [...theirs, ...notes].sort((a, b) => a.at - b.at),
      cost: last === undefined ? mine : addCosts(mine, last.cost),
      interrupted: workplace.interrupt.aborted,
    }
  } finally {
    stall.end()
    await queue.close()
  }
}

async function crashOne(workplace: Workplace, startWorker: () => void, signal: AbortSignal): Promise<Crash> {
  const { options, recipients, place, prefix, mailServer } = workplace
  const crash = await crashHalfway({
    setup: {
      name: 'the process that was killed',
      shared: false,
      journal: join(workplace.scratch, JOURNAL),
      mailPort: mailServer.port,
      concurrency: options.concurrency,
      patience: HASTY,
      ...{ place, prefix },
    },
    standBy: startWorker,
    halfway: mailServer.whenAccepted(halfOf(recipients)),
    signal,
  })
  workplace.say('Half-way: the worker process was killed (SIGKILL). This process takes over.')
  return crash
}

function describeProgress({ deliveries, isDown }: MailServer, total: number): string {
  return `${deliveries.length} of ${total} mails accepted${isDown ? ', the mail server is down' : ''}`
}
