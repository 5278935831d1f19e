/** A binary min-heap by a number. The numbers lie beside the items, so that finding a place does not touch the items on the way. */
export class Heap<T> {
  #items: T[] = []
  #keys: number[] = []
  readonly #keyOf: (item: T) => number
  readonly #tieOf: (item: T) => number

  /** `keyOf` an item never changes; among equal ones the one with the least `tieOf` comes first. */
  constructor(keyOf: (item: T) => number, tieOf: (item: T) => number = () => 0) {
    this.#keyOf = keyOf
    this.#tieOf = tieOf
  }

  get size(): number {
    return this.#items.length
  }

  /** The least item. */
  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    const keys = this.#keys
    const key = this.#keyOf(item)
    let at = items.push(item) - 1
    keys.push(key)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(key, item, parent)) break
      this.#move(parent, at)
      at = parent
    }
    items[at] = item
    keys[at] = key
  }

  pop(): T | undefined {
    const least = this.#items[0]
    const last = this.#items.pop()
    const key = this.#keys.pop()
    if (this.#items.length > 0 && last !== undefined && key !== undefined) this.#sink(last, key)
    return least
  }

  /** Throws out what `isNeeded` denies. */
  retain(isNeeded: (item: T) => boolean): void {
    const items = this.#items
    this.#items = []
    this.#keys = []
    for (const item of items) if (isNeeded(item)) this.push(item)
  }

  #sink(item: T, key: number): void {
    const items = this.#items
    const keys = this.#keys
    let at = 0
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      const right = child + 1
      if (right < items.length && this.#isBefore(keys[right] as number, items[right] as T, child)) child = right
      if (this.#isBefore(key, item, child)) break
      this.#move(child, at)
      at = child
    }
    items[at] = item
    keys[at] = key
  }

  /** Whether an item comes before the one at `at`. */
  #isBefore(key: number, item: T, at: number): boolean {
    const other = this.#keys[at] as number
    return key === other ? this.#tieOf(item) < this.#tieOf(this.#items[at] as T) : key < other
  }

  #move(from: number, to: number): void {
    this.#items[to] = this.#items[from] as T
    this.#keys[to] = this.#keys[from] as number
  }

  /** In no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }
}
