import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Makes names that nobody else makes. */
export interface Ids {
  /** A ULID: 26 characters, unique, in ascending order for one `Ids` even when the clock goes back. */
  ulid(): string
  /** `length` random characters of `0-9 A-Z` without I, L, O, U: 5 bits each. Default 16 (80 bits). */
  nonce(length?: number): string
}

/** Ids from a clock and a random source (ULID: github.com/ulid/spec). */
export function createIds(clock: Clock, random: Random): Ids {
  let lastTime = -1
  let lastTail = ''
  const nonce = (length = 16): string => {
    let text = ''
    for (let i = 0; i < length; i++) text += CROCKFORD[Math.floor(random.next() * 32)]
    return text
  }
  return {
    nonce,
    ulid() {
      const time = Math.floor(clock.now())
      if (time > lastTime) {
        lastTime = time
        lastTail = nonce(16)
      } else {
        const next = increment(lastTail)
        if (next === undefined) lastTime++
        lastTail = next ?? nonce(16)
      }
      return encodeTime(lastTime) + lastTail
    },
  }
}

/** When a ULID was made, by the clock that made it, ms since 1970. NaN if it is none. */
export function timeOfUlid(ulid: string): number {
  if (ulid.length !== 26) return Number.NaN
  let time = 0
  for (const digit of ulid.slice(0, 10)) {
    const value = CROCKFORD.indexOf(digit)
    if (value < 0) return Number.NaN
    time = time * 32 + value
  }
  return time
}

function encodeTime(time: number): string {
  let rest = time
  let text = ''
  for (let i = 0; i < 10; i++) {
    text = CROCKFORD[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** The next of a row of Crockford digits, or undefined when it was the last one. */
function increment(tail: string): string | undefined {
  for (let i = tail.length - 1; i >= 0; i--) {
    const digit = CROCKFORD.indexOf(tail[i] as string)
    if (digit < 31) return tail.slice(0, i) + CROCKFORD[digit + 1] + '0'.repeat(tail.length - 1 - i)
  }
  return undefined
}
