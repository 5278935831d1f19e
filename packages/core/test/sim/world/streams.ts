/**
 * Independent random streams from one seed, by name: what one process draws does not shift what another one gets.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand, public domain): with 128 bits of state two streams do not overlap, as
 * streams of a 32-bit generator would in a long campaign, and ids made from them stay unique.
 */
import { hash } from 'node:crypto'
import type { Random } from '@s3queue/storage'

/** The stream `name` of `seed`. */
export function createStream(seed: number, name: string): Random {
  const digest = hash('md5', `${seed}/${name}`, 'buffer')
  let a = digest.readUInt32LE(0)
  let b = digest.readUInt32LE(4)
  let c = digest.readUInt32LE(8)
  let counter = digest.readUInt32LE(12)
  return {
    next() {
      const sum = (a + b + counter) >>> 0
      counter = (counter + 1) >>> 0
      a = (b ^ (b >>> 9)) >>> 0
      b = (c + (c << 3)) >>> 0
      c = (((c << 21) | (c >>> 11)) + sum) >>> 0
      return sum / 2 ** 32
    },
  }
}
