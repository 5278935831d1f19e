/**
 * Things by when they last spoke: told in constant time, and looked through from the latest on, as far as somebody wants to look.
 *
 * With a thousand workers nothing that happens for each message may look at all of them.
 */
interface Node<T> {
  readonly item: T
  later: Node<T> | undefined
  earlier: Node<T> | undefined
}

export class Recency<T> {
  readonly #nodes = new Map<T, Node<T>>()
  #latest: Node<T> | undefined
  #earliest: Node<T> | undefined

  /** `item` is there and has not spoken: it comes behind all others. */
  add(item: T): void {
    if (this.#nodes.has(item)) return
    const node: Node<T> = { item, later: this.#earliest, earlier: undefined }
    this.#nodes.set(item, node)
    if (this.#earliest === undefined) this.#latest = node
    else this.#earliest.earlier = node
    this.#earliest = node
  }

  /** `item` speaks. */
  spoke(item: T): void {
    this.delete(item)
    const node: Node<T> = { item, later: undefined, earlier: this.#latest }
    this.#nodes.set(item, node)
    if (this.#latest === undefined) this.#earliest = node
    else this.#latest.later = node
    this.#latest = node
  }

  delete(item: T): void {
    const node = this.#nodes.get(item)
    if (node === undefined) return
    this.#nodes.delete(item)
    const { later, earlier } = node
    if (later === undefined) this.#latest = earlier
    else later.earlier = earlier
    if (earlier === undefined) this.#earliest = later
    else earlier.later = later
  }

  /** From the one that spoke last. Nothing may change meanwhile. */
  *latestFirst(): Generator<T, void, void> {
    for (let node = this.#latest; node !== undefined; node = node.earlier) yield node.item
  }
}
