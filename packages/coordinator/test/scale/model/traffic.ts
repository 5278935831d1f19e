/** Messages that producers send at random moments, and how long each takes to its handler. */
import type { Fleet } from './fleet.ts'

export class Traffic {
  readonly #fleet: Fleet
  readonly #perSecond: number
  /** When a message was enqueued, by its payload. */
  readonly #sentAt = new Map<number, number>()
  readonly #waiting = new Map<number, (ms: number) => void>()
  #latencies: number[] = []
  #sent = 0
  #cancelTimer: () => void = () => {}

  /** `perSecond`: Poisson arrivals; 0 for none but those that are sent one by one. */
  constructor(fleet: Fleet, perSecond: number) {
    this.#fleet = fleet
    this.#perSecond = perSecond
    fleet.onStarted = (payload) => this.#started(payload)
    if (perSecond > 0) this.#next()
  }

  /** From the enqueue to the start of the handler, in ms, of all messages whose handlers started since the last call; in ascending order. */
  takeLatencies(): number[] {
    const latencies = this.#latencies.sort((a, b) => a - b)
    this.#latencies = []
    return latencies
  }

  /** Messages that were enqueued and whose handlers have not started. */
  get backlog(): number {
    return this.#sentAt.size
  }

  /** One message now. Resolves to how long it took to its handler. */
  async probe(): Promise<number> {
    const payload = this.#send()
    return new Promise((resolve) => this.#waiting.set(payload, resolve))
  }

  /** No more messages. */
  stop(): void {
    this.#cancelTimer()
  }

  #next(): void {
    const { clock, random } = this.#fleet
    const waitMs = (-Math.log(1 - random.next()) / this.#perSecond) * 1000
    this.#cancelTimer = clock.setTimer(waitMs, () => {
      this.#next()
      this.#send()
    })
  }

  #send(): number {
    const { clock, producers } = this.#fleet
    const payload = ++this.#sent
    this.#sentAt.set(payload, clock.monotonic())
    void producers[payload % producers.length]?.enqueue(payload)
    return payload
  }

  #started(payload: number): void {
    const sentAt = this.#sentAt.get(payload)
    // The second attempt of a message whose pod was killed says nothing.
    if (sentAt === undefined) return
    this.#sentAt.delete(payload)
    const ms = this.#fleet.clock.monotonic() - sentAt
    this.#latencies.push(ms)
    this.#waiting.get(payload)?.(ms)
    this.#waiting.delete(payload)
  }
}
