/** Gives each distinct value a small number, so that equal states are equal numbers. */
export class Interner<T> {
  readonly #ids = new Map<string, number>()
  readonly #values: T[] = []
  readonly #encode: (value: T) => string

  constructor(encode: (value: T) => string) {
    this.#encode = encode
  }

  get size(): number {
    return this.#values.length
  }

  idOf(value: T): number {
    const text = this.#encode(value)
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#values.push(value) - 1
    this.#ids.set(text, id)
    return id
  }

  valueOf(id: number): T {
    if (id < 0 || id >= this.#values.length) throw new RangeError(`There is no value ${id}.`)
    return this.#values[id] as T
  }
}
