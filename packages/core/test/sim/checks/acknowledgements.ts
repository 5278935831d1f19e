/** What was promised: an acknowledged message is durable at that very moment, and is never lost from there on. */
import type { ModelMessage } from '../truth/model-message.ts'
import type { Shards } from '../world/shards.ts'
import { must } from '../world/violation.ts'

export class Acknowledgements {
  readonly #shards: Shards
  /** Payloads by the ids that were promised for them. */
  readonly #promised = new Map<string, string | undefined>()

  /** Payloads of calls that the store refused, with the process that was told so. */
  readonly #refused = new Map<string, string>()

  constructor(shards: Shards) {
    this.#shards = shards
  }

  get size(): number {
    return this.#promised.size
  }

  /** An enqueue was acknowledged. `payload`: undefined if the id may be that of an earlier message. */
  acknowledged(process: string, id: string, payload: string | undefined): void {
    must(
      Array.from(this.#shards).some(({ history, inbox }) => history.model.messages.has(id) || inbox.ids.has(id)),
      `${process} acknowledges ${id}, which is neither in the log nor in the inbox`,
    )
    must(payload === undefined || !this.#promised.has(id), `${process} acknowledges ${id} for a second message`)
    if (payload !== undefined || !this.#promised.has(id)) this.#promised.set(id, payload)
  }

  /** An enqueue was rejected with a refusal of the store: none of its messages is in the queue, now or later. */
  refused(process: string, payloads: readonly (string | undefined)[]): void {
    for (const payload of payloads) if (payload !== undefined) this.#refused.set(payload, process)
  }

  /** Ids of messages that were acknowledged and have no others' names. */
  get ids(): string[] {
    return [...this.#promised.keys()].filter((id) => this.#promised.get(id) !== undefined)
  }

  /** A queue says that it does not know an acknowledged message. */
  notFound(process: string, id: string): void {
    const message = this.#message(id)
    const status = message?.status
    const { model } = this.#shards.holding(id).history
    must(
      status === 'removed' || (message !== undefined && model.mayBeExpired(message)),
      `${process} does not know ${id}, which was acknowledged and is ${status ?? 'in the inbox'}`,
    )
  }

  /** At the end, when all commands are folded. */
  assertKept(): void {
    for (const [id, payload] of this.#promised) {
      const message = this.#message(id)
      if (message === undefined && this.#isDuplicate(id)) continue
      must(message !== undefined, `${id} was acknowledged and is lost`)
      must(
        payload === undefined || message.payload === payload,
        `${id} was acknowledged for ${payload} but is ${message.payload}`,
      )
    }
    const seen = new Set<string>()
    for (const { payload, id } of this.#shards.messages()) {
      must(!seen.has(payload), `${payload} is in the queue twice, at last as ${id}`)
      must(
        !this.#refused.has(payload),
        `${this.#refused.get(payload)} was told that the store refused ${payload}, and it is in the queue as ${id}`,
      )
      seen.add(payload)
    }
  }

  #message(id: string): ModelMessage | undefined {
    return this.#shards.holding(id).history.model.messages.get(id)
  }

  #isDuplicate(id: string): boolean {
    return Array.from(this.#shards).some(({ history }) => history.model.duplicates.has(id))
  }
}
