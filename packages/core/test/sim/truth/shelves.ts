/** Messages that wait, for the model: plain arrays in the order in which the log numbers them. */
import { must } from '../world/violation.ts'
import type { ModelMessage } from './model-message.ts'

interface Shelf {
  messages: ModelMessage[]
  readonly visibleAt: number
}

export class Shelves {
  readonly #shelves = new Map<number, Shelf>()
  #next = 1
  #now = 0
  waiting = 0
  delayed = 0

  get now(): number {
    return this.#now
  }

  get lastDueAt(): number {
    return Math.max(0, ...Array.from(this.#shelves.values(), ({ visibleAt }) => visibleAt))
  }

  goTo(at: number): void {
    must(at >= this.#now, `the log's clock goes from ${this.#now} to ${at}`)
    this.#now = at
    this.#count()
  }

  /** Puts messages on a shelf of their own; the log speaks of it by the number it gets. */
  add(shelf: Shelf): void {
    this.#shelves.set(this.#next++, shelf)
    this.#count()
  }

  /** `runs`: pairs of a number and how many of its first messages go. */
  takeFirst(runs: readonly number[]): ModelMessage[] {
    const taken: ModelMessage[] = []
    for (let i = 0; i < runs.length; i += 2) {
      const [number = 0, count = 0] = runs.slice(i, i + 2)
      const shelf = this.#shelf(number)
      must(shelf.visibleAt <= this.#now, `messages due at ${shelf.visibleAt} are claimed at ${this.#now}`)
      must(count > 0 && count <= shelf.messages.length, `${count} messages are claimed of ${shelf.messages.length}`)
      taken.push(...shelf.messages.splice(0, count))
      if (shelf.messages.length === 0) this.#shelves.delete(number)
    }
    this.#count()
    return taken
  }

  /** One message from anywhere; what lies behind it gets a shelf of its own. */
  takeOut(number: number, offset: number): ModelMessage {
    const shelf = this.#shelf(number)
    const [message, ...behind] = shelf.messages.splice(offset)
    must(message !== undefined, `message ${offset} of run ${number} is withdrawn, which is not there`)
    if (behind.length > 0) this.#shelves.set(this.#next++, { ...shelf, messages: behind })
    if (shelf.messages.length === 0) this.#shelves.delete(number)
    this.#count()
    return message
  }

  takeAll(): ModelMessage[] {
    const all = [...this.#shelves.values()].flatMap(({ messages }) => messages)
    this.#shelves.clear()
    this.#count()
    return all
  }

  #shelf(number: number): Shelf {
    const shelf = this.#shelves.get(number)
    must(shelf !== undefined, `the log speaks of run ${number}, which is empty or never was`)
    return shelf
  }

  #count(): void {
    this.waiting = 0
    this.delayed = 0
    for (const { messages, visibleAt } of this.#shelves.values()) {
      if (visibleAt > this.#now) this.delayed += messages.length
      else this.waiting += messages.length
    }
  }
}
