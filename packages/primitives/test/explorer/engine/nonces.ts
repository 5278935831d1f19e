/**
 * Nonces that are the same for as many lives of a process as possible. A nonce that came into no object and is not on
 * its way into one was seen by nobody, and is given out again: so a process that lost a race is like one that never took part in it.
 */
import { REFUSED } from './request.ts'

export class Nonces {
  readonly #name: string
  #call = ''
  #count = 0
  /** Whether the last nonce may be used again: each write since then was refused, and there was one. */
  #state: 'unused' | 'refused' | 'used' = 'used'

  constructor(name: string) {
    this.#name = name
  }

  /** What the next nonces depend on. */
  get memory(): string {
    return `${this.#call} ${this.#count} ${this.#state}`
  }

  during(call: string): void {
    this.#call = call
    this.#count = 0
    this.#state = 'used'
  }

  next(): string {
    if (this.#state !== 'refused') this.#count++
    this.#state = 'unused'
    return `${this.#name}.${this.#call}.${this.#count}`
  }

  asked(): void {
    if (this.#state === 'refused') this.#state = 'used'
  }

  /** A write was answered. A plain refusal alone leaves no trace. */
  answered(reply: string): void {
    if (reply !== REFUSED) this.#state = 'used'
    else if (this.#state === 'unused') this.#state = 'refused'
  }
}
