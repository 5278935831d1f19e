/**
 * The transport over nothing but the store: commands through the inbox, tickets through mailboxes.
 *
 * One for each queue object. It owns what outlives a change of role: the signs of life, and what is counted.
 */
import type { Transport } from '@s3queue/core/transport'
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
  /** Whether some process is known to write. */
  readonly coordinatorElected: boolean
  /** How many messages are visible and wait; undefined if this process does not write. */
  readonly waiting: number | undefined
  readonly counts: Readonly<TicketCounts> & { readonly received: number }
  /** What this process knows of all workers; undefined if it does not write. */
  registry(): RegistryRecord | undefined
}

/** Throws `InvalidOption`. */
export function createMailboxTransport(given: CoordinatorOptions = {}): MailboxTransport {
  const options = resolveCoordinatorOptions('createMailboxTransport', given)
  const heartbeats = new Heartbeats(options)
  const counts = { sent: 0, stalled: 0, received: 0 }
  let writer: MailboxWriter | undefined
  let worker: MailboxWorker | undefined
  let waiting: (() => number) | undefined
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
      return waiting?.()
    },
    registry: () => writer?.registry.describe(),
    left: (worker) => signOff(worker, heartbeats),
    noteTrouble: (error) => heartbeats.noteError(error),
    lead(term) {
      const side = new MailboxWriter({ term, options, counts, heartbeats })
      worker = undefined
      writer = side
      waiting = term.waiting
      term.signal.addEventListener('abort', () => {
        if (writer !== side) return
        writer = undefined
        waiting = undefined
      })
      return side
    },
    join(standby) {
      const onTickets = (count: number): void => {
        counts.received += count
      }
      worker = new MailboxWorker({ standby, options, heartbeats, onTickets, nextNotice: () => ++notices })
      return worker
    },
  }
}
