/** What every run of the newsletter does with its queue, whoever sends the mails. */
import type { Queue } from '@s3queue/core'
import type { DeadLetter } from './account.ts'
import type { MailServer } from './mail-server.ts'
import type { DemoOptions } from './options.ts'
import type { Premises } from './premises.ts'
import type { ShowProgress } from './progress.ts'
import type { ListedRecipient, Recipient } from './recipients.ts'

/** What the run of a newsletter has. */
export interface Workplace extends Premises {
  readonly options: DemoOptions
  readonly recipients: readonly ListedRecipient[]
  readonly mailServer: MailServer
  readonly showProgress: ShowProgress
  /** A line to the user that is no part of the result. */
  readonly say: (line: string) => void
  /** Aborted when the user wants to stop. */
  readonly interrupt: AbortSignal
}

/** As many messages go into one call as make a reasonable object in the store. */
const BATCH = 1000

/** Resolves to the messages' ids, in the order of the recipients. */
export async function enqueueAll(queue: Queue<Recipient>, recipients: readonly ListedRecipient[]): Promise<string[]> {
  const ids: string[] = []
  // What the list expects is for the checks alone: it does not go into the queue.
  const payloads = recipients.map(({ expected: _, ...recipient }): Recipient => recipient)
  for (let from = 0; from < payloads.length; from += BATCH) {
    const enqueued = await queue.enqueueMany(payloads.slice(from, from + BATCH))
    ids.push(...enqueued.map(({ id }) => id))
  }
  return ids
}

export async function listDeadLetters(queue: Queue<Recipient>): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  let after: string | undefined
  do {
    const page = await queue.list({ status: 'dead', limit: 1000, after })
    letters.push(...page.messages.map(({ id, failures }) => ({ id, why: failures?.at(-1)?.message ?? 'unknown' })))
    after = page.next
  } while (after !== undefined)
  return letters
}

/** How many mails are half of those that will be accepted. */
export function halfOf(recipients: readonly ListedRecipient[]): number {
  return Math.ceil(recipients.filter(({ expected }) => expected === 'sent').length / 2)
}
