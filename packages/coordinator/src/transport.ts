/**
 * The transport over nothing but the store: commands through the inbox, tickets through mailboxes.
 *
 * One for each queue object. It owns what outlives a change of role: the signs of life, and what is counted.
 */
import type { Transport, WriterTerm } from '@s3queue/core/transport'
import { type CoordinatorOptions, resolveCoordinatorOptions } from './options.ts'
import { Heartbeats } from './registry/heartbeats.ts'
import type { RegistryRecord } from './registry/record.ts'
import { signOff } from './registry/sign-off.ts'
import { MailboxWorker } from './worker-side.ts'
import { MailboxWriter, type TicketCounts } from './writer-side.ts'

/** A transport over mailboxes, and what can be seen of it. */
export interface MailboxTransport extends Transport {
  /** When this process's worker last gave a sign of life, ms since 1970. */
  readonly lastHeartbeat: number | undefined
  /** Whether this process writes now. */
  readonly isCoordinator: boolean
  /** Whether some process is known to write: this one, or the one that its worker gets messages from. */
  readonly coordinatorElected: boolean
  /** Whether this process writes, and anything waits or is being handled. */
  readonly isBusy: boolean
  /** How many messages are visible and wait; undefined if this process does not write. */
  readonly waiting: number | undefined
  readonly counts: Readonly<TicketCounts> & { readonly received: number }
  /** What this process knows of all workers; undefined if it does not write. */
  registry(): RegistryRecord | undefined
  /** The worker that is to take over should this process not write any more; undefined: any of those that watch. */
  prefer(worker: string | undefined): void
  /** Whether this process writes, and that worker was heard of so short a time ago that it looks into its mailbox often. */
  isAwake(worker: string): boolean
}

/** Throws `InvalidOption`. */
export function createMailboxTransport(given: CoordinatorOptions = {}): MailboxTransport {
  const options = resolveCoordinatorOptions('createMailboxTransport', given)
  const heartbeats = new Heartbeats(options)
  const counts = { sent: 0, stalled: 0, received: 0 }
  let writer: MailboxWriter | undefined
  let worker: MailboxWorker | undefined
  let leading: WriterTerm | undefined
  let notices = 0
  return {
    counts,
    get lastHeartbeat() {
      return heartbeats.lastBeatAt
    },
    get isCoordinator() {
      return writer !== undefined
    },
    get coordinatorElected() {
      return writer !== undefined || worker !== undefined
    },
    get waiting() {
      return leading?.waiting()
    },
    get isBusy() {
      return leading?.isBusy() ?? false
    },
    registry: () => writer?.registry.describe(),
    prefer: (worker) => writer?.prefer(worker),
    isAwake: (worker) => writer?.isAwake(worker) ?? false,
    left: (worker) => signOff(worker, heartbeats),
    noteTrouble: (error) => heartbeats.noteError(error),
    lead(term) {
      const side = new MailboxWriter({ term, options, counts, heartbeats })
      worker = undefined
      writer = side
      leading = term
      term.signal.addEventListener('abort', () => {
        if (writer !== side) return
        writer = undefined
        leading = undefined
      })
      return side
    },
    join(standby) {
      const onTickets = (count: number): void => {
        counts.received += count
      }
      const onEnd = (): void => {
        if (worker === side) worker = undefined
      }
      const side = new MailboxWorker({ standby, options, heartbeats, onTickets, onEnd, nextNotice: () => ++notices })
      worker = side
      return side
    },
  }
}
