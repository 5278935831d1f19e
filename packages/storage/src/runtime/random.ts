/** Randomness as an injected port: `next()` is a number in [0, 1). */
export interface Random {
  next(): number
}

/**
 * A seeded generator for tests and simulation: the same seed gives the same numbers on every machine.
 * The algorithm is mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough to pick faults, not for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let t = state
      t = Math.imul(t ^ (t >>> 15), t | 1)
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    },
  }
}
