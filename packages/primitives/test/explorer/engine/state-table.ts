/**
 * All states of the world that were seen, as rows of whole numbers of one width, each once. Nothing is hashed away: two
 * states are the same only if all their numbers are. The table is the queue of a breadth-first search as well, and knows for each row
 * how it was reached first.
 */
export class StateTable {
  readonly width: number
  #rows: Int32Array
  #parents: Int32Array
  #moves: Int32Array
  #index: Int32Array
  #size = 0

  constructor(width: number) {
    this.width = width
    this.#rows = new Int32Array(width * 1024)
    this.#parents = new Int32Array(1024)
    this.#moves = new Int32Array(1024)
    this.#index = new Int32Array(4096)
  }

  get size(): number {
    return this.#size
  }

  /** Copies row `row` into `target`. */
  read(row: number, target: Int32Array): void {
    const from = row * this.width
    for (let i = 0; i < this.width; i++) target[i] = this.#rows[from + i] as number
  }

  parentOf(row: number): number {
    return this.#parents[row] as number
  }

  /** Which of the parent's moves led to the row. */
  moveOf(row: number): number {
    return this.#moves[row] as number
  }

  /** Adds a row; false if it was there. */
  add(state: Int32Array, parent: number, move: number): boolean {
    const mask = this.#index.length - 1
    let at = hashOf(state) & mask
    for (let entry = this.#index[at]; entry; entry = this.#index[at]) {
      if (this.#equals(entry - 1, state)) return false
      at = (at + 1) & mask
    }
    if (this.#size === this.#parents.length) this.#growRows()
    this.#rows.set(state, this.#size * this.width)
    this.#parents[this.#size] = parent
    this.#moves[this.#size] = move
    this.#index[at] = ++this.#size
    if (this.#size * 2 > this.#index.length) this.#growIndex()
    return true
  }

  #equals(row: number, state: Int32Array): boolean {
    const from = row * this.width
    for (let i = 0; i < this.width; i++) if (this.#rows[from + i] !== state[i]) return false
    return true
  }

  #growRows(): void {
    this.#rows = grown(this.#rows)
    this.#parents = grown(this.#parents)
    this.#moves = grown(this.#moves)
  }

  #growIndex(): void {
    const index = new Int32Array(this.#index.length * 2)
    const row = new Int32Array(this.width)
    for (let i = 0; i < this.#size; i++) {
      this.read(i, row)
      let at = hashOf(row) & (index.length - 1)
      while (index[at] !== 0) at = (at + 1) & (index.length - 1)
      index[at] = i + 1
    }
    this.#index = index
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** Mixes all numbers into 32 bits (the finalizer of MurmurHash3, Austin Appleby, public domain, over a running sum). */
function hashOf(state: Int32Array): number {
  let hash = 0
  for (let i = 0; i < state.length; i++) {
    hash = Math.imul(hash ^ (state[i] as number), 0x85ebca6b)
    hash ^= hash >>> 13
    hash = Math.imul(hash, 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash
}
