/** Tells the user once why nothing happens: another process holds the lease, and has sent no heartbeat for longer than it promised. */
import type { LeaseRecord } from '@s3queue/primitives'
import { asProcessIdentity } from '@s3queue/storage'
import { SIGN_SHARE, type WriterDetails } from './heartbeat.ts'

/** Allowed for the clocks of two processes, and for a heartbeat on its way, in ms. */
const ALLOWANCE_MS = 1500

/** How long a writer may send no heartbeat, in ms, before that is worth a word. */
function promisedMs({ durationMs }: LeaseRecord<WriterDetails>): number {
  return durationMs * SIGN_SHARE + ALLOWANCE_MS
}

export class SilentWriter {
  readonly #queue: string
  readonly #warn: (line: string) => void
  /** The heartbeat after which the writer has been silent, as far as that was told. */
  #told: string | undefined

  constructor(queue: string, warn: (line: string) => void) {
    this.#queue = queue
    this.#warn = warn
  }

  /** This process waits for the holder of `record`. `now`: the store's wall time. `endsInMs`: when it takes over at the latest. */
  waits(record: LeaseRecord<WriterDetails>, now: number, endsInMs: number): void {
    const silentMs = now - record.aliveAt
    const about = `${record.owner} ${record.aliveAt}`
    if (silentMs <= promisedMs(record) || this.#told === about) return
    this.#told = about
    this.#warn(
      `Queue "${this.#queue}" waits for ${describe(record)}, which writes the queue and has sent no heartbeat for ${seconds(silentMs)}. No message is handed out ` +
        `meanwhile. If it stays silent, this process takes over in at most ${seconds(endsInMs)}.`,
    )
  }
}

function describe({ owner, details }: LeaseRecord<WriterDetails>): string {
  const process = asProcessIdentity(details.process)
  const worker = typeof details.worker === 'string' ? `worker "${details.worker}"` : `sender ${owner}`
  return process === undefined ? worker : `${worker} in process ${process.pid} on host "${process.host}"`
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`
}
