import { Deque } from './deque.ts'

/** So many entries that do not count any more are not worth a look. */
const FEW = 1000

/**
 * A map in the order in which its values came, whose oldest entry is at hand: a plain `Map` looks for its first
 * entry through the places of all those that were deleted before it.
 */
export class Recent<V extends object> extends Map<string, V> {
  /** In order; an entry counts only if the map still holds this very value. */
  readonly #order = new Deque<readonly [string, V]>()

  /** Adds an entry as the latest one, also if there was one with its key. */
  override set(key: string, value: V): this {
    super.delete(key)
    super.set(key, value)
    this.#order.push([key, value])
    // Entries that were deleted behind one that stays would pile up.
    if (this.#order.size > 2 * this.size + FEW) this.#order.retain(([at, of]) => this.get(at) === of)
    return this
  }

  /** The oldest entry. */
  oldest(): readonly [string, V] | undefined {
    for (let entry = this.#order.peek(); entry !== undefined; entry = this.#order.peek()) {
      if (this.get(entry[0]) === entry[1]) return entry
      this.#order.shift()
    }
    return undefined
  }
}
