/** A queue with two ends on arrays: neither end costs copying, however long it is. */
export class Deque<T> {
  /** What was put to the front, last first. */
  #front: T[] = []
  /** What follows; taken items leave a hole until there are many. */
  #back: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#front.length + this.#back.length - this.#head
  }

  /** The first item. */
  peek(): T | undefined {
    return this.#front.length > 0 ? this.#front.at(-1) : this.#back[this.#head]
  }

  push(item: T): void {
    this.#back.push(item)
  }

  pushFront(item: T): void {
    this.#front.push(item)
  }

  shift(): T | undefined {
    if (this.#front.length > 0) return this.#front.pop()
    if (this.#head === this.#back.length) return undefined
    const item = this.#back[this.#head]
    this.#back[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#back.length) {
      this.#back = this.#back.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The items, first to go first. */
  toArray(): T[] {
    const back = this.#back.slice(this.#head) as T[]
    return this.#front.length > 0 ? this.#front.toReversed().concat(back) : back
  }

  /** Throws out what `isNeeded` denies. */
  retain(isNeeded: (item: T) => boolean): void {
    this.#back = this.toArray().filter(isNeeded)
    this.#front = []
    this.#head = 0
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = this.#front.length - 1; i >= 0; i--) yield this.#front[i] as T
    for (let i = this.#head; i < this.#back.length; i++) yield this.#back[i] as T
  }
}
