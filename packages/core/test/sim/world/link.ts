/** The network between one process and the store. While it is cut nothing gets through; replies that are on their way then are lost. */
import { type Clock, type Random, sleep } from '@s3queue/storage'
import { between, chance } from './draw.ts'

/** The request got no answer because the link was cut. */
export class Cut extends Error {}

export class Link {
  readonly #clock: Clock
  readonly #random: Random
  #isUp = true
  #cuts = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  get isUp(): boolean {
    return this.#isUp
  }

  cut(): void {
    this.#isUp = false
    this.#cuts++
  }

  heal(): void {
    this.#isUp = true
  }

  /** Sends a request. Rejects with `Cut`, at once as from a refused connection or after a timeout, if the link is or was cut. */
  async carry<T>(send: () => Promise<T>): Promise<T> {
    if (!this.#isUp) return this.#fail()
    const cuts = this.#cuts
    const outcome = await send().then(
      (answer) => () => answer,
      (error: unknown) => () => {
        throw error
      },
    )
    return this.#cuts === cuts ? outcome() : this.#fail()
  }

  async #fail(): Promise<never> {
    await sleep(
      this.#clock,
      chance(this.#random, 0.5) ? between(this.#random, 0, 5) : between(this.#random, 200, 5_000),
    )
    throw new Cut('The link was cut (injected).')
  }
}
