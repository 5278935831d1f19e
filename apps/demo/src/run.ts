/** One run of the demo from the address list to the account of it. */
import { join } from 'node:path'
import type { Queue, Worker } from '@s3queue/core'
import type { Account, DeadLetter } from './account.ts'
import { addCosts, costOf, since } from './cost.ts'
import { type Crash, crashHalfway } from './crash.ts'
import type { MailServer, startMailServer } from './mail-server.ts'
import { HASTY, openNewsletterQueue, RELAXED } from './newsletter-queue.ts'
import { createNotebook, readJournal, watch } from './notes.ts'
import type { DemoOptions } from './options.ts'
import { type Premises, withPremises } from './premises.ts'
import { type ShowProgress, watchForStall } from './progress.ts'
import { type ListedRecipient, type Recipient, readRecipients } from './recipients.ts'
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
  const { place, keep, crash } = options
  const recipients = await readRecipients(options.messages)
  return withPremises({ place, keep, usesScratch: crash }, surroundings.interrupt, async (premises) => {
    const mailServer = await surroundings.startMailServer(moodsFor(recipients))
    try {
      const account = await work({ ...premises, options, surroundings, recipients, mailServer })
      const journal = crash ? [join(premises.scratch, JOURNAL)] : []
      return { ...account, kept: keep ? [premises.store.description, ...journal] : [] }
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

interface Workplace extends Premises {
  readonly options: DemoOptions
  readonly surroundings: Surroundings
  readonly recipients: readonly ListedRecipient[]
  readonly mailServer: MailServer
}

async function work(workplace: Workplace): Promise<Omit<Account, 'kept'>> {
  const { options, surroundings, recipients, store, mailServer } = workplace
  const patience = options.crash ? HASTY : RELAXED
  const queue = openNewsletterQueue(store, patience)
  const { notes, note } = createNotebook('this process')
  watch(queue, note)
  const stall = watchForStall(() => notes.length + mailServer.deliveries.length)
  const signal = AbortSignal.any([surroundings.interrupt, stall.signal])
  try {
    // This makes it the writer. What that takes is counted apart: it is done once, however many messages follow.
    await queue.getStats()
    const opening = costOf(queue)
    const startedAt = performance.now()
    const ids = await enqueueAll(queue, recipients)
    const endProgress = surroundings.showProgress(() => describeProgress(mailServer, recipients.length))
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
      if (!surroundings.interrupt.aborted) throw error
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
      interrupted: surroundings.interrupt.aborted,
    }
  } finally {
    stall.end()
    await queue.close()
  }
}

/** As many messages go into one call as make a reasonable object in the store. */
const BATCH = 1000

async function enqueueAll(queue: Queue<Recipient>, recipients: readonly ListedRecipient[]): Promise<string[]> {
  const ids: string[] = []
  // What the list expects is for the checks alone: it does not go into the queue.
  const payloads = recipients.map(({ expected: _, ...recipient }): Recipient => recipient)
  for (let from = 0; from < payloads.length; from += BATCH) {
    const enqueued = await queue.enqueueMany(payloads.slice(from, from + BATCH))
    ids.push(...enqueued.map(({ id }) => id))
  }
  return ids
}

async function listDeadLetters(queue: Queue<Recipient>): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  let after: string | undefined
  do {
    const page = await queue.list({ status: 'dead', limit: 1000, after })
    letters.push(...page.messages.map(({ id, failures }) => ({ id, why: failures?.at(-1)?.message ?? 'unknown' })))
    after = page.next
  } while (after !== undefined)
  return letters
}

async function crashOne(workplace: Workplace, startWorker: () => void, signal: AbortSignal): Promise<Crash> {
  const { options, surroundings, recipients, place, prefix, mailServer } = workplace
  const good = recipients.filter(({ expected }) => expected === 'sent').length
  const crash = await crashHalfway({
    setup: {
      name: 'the process that was killed',
      journal: join(workplace.scratch, JOURNAL),
      mailPort: mailServer.port,
      concurrency: options.concurrency,
      patience: HASTY,
      ...{ place, prefix },
    },
    standBy: startWorker,
    halfway: mailServer.whenAccepted(Math.ceil(good / 2)),
    signal,
  })
  surroundings.say('Half-way: the worker process was killed (SIGKILL). This process takes over.')
  return crash
}

function describeProgress({ deliveries, isDown }: MailServer, total: number): string {
  return `${deliveries.length} of ${total} mails accepted${isDown ? ', the mail server is down' : ''}`
}
