/**
 * Where messages go. A name always goes to the same one of `count` shards, in every process; and if there are more shards one day, only as
 * many names move as the new shards need (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014).
 */

/** The shard of a name, from 0 to `count - 1`. */
export function shardOfName(name: string, count: number): number {
  let seed = hashOf(name)
  let shard = -1
  for (let next = 0; next < count; ) {
    shard = next
    seed = scramble((seed + 0x9e3779b9) >>> 0)
    next = Math.floor((shard + 1) / ((seed + 1) / 4294967296))
  }
  return shard
}

/** Of a text's UTF-16 units: FNV-1a, scrambled, as similar names differ in few bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return scramble(hash >>> 0)
}

/** The finaliser of MurmurHash3: every bit of the input changes half of the output's. */
function scramble(input: number): number {
  let value = input
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
