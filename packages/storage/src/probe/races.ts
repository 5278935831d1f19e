/**
 * What only many callers at once can find out: whether the store checks a condition and writes as one step. Some servers check
 * first and write then; they are right whenever one caller tries them, and lose messages under load.
 */
import { create, type GetResult, ifMatch, type PutCondition } from '../port/object-store.ts'
import type { Random } from '../runtime/random.ts'
import { Broken, Inconclusive } from './findings.ts'
import type { Scratch } from './scratch.ts'

export interface RaceSettings {
  readonly random: Random
  readonly writers: number
  /** A mark that no other body has. */
  mark(): string
}

/** Longest body that races, in bytes: within one packet for some, several for others. */
const MAX_BODY_BYTES = 4_096

/**
 * One round: all create one key, then all replace what the winner wrote. Throws `Broken` if not exactly one wins each time, `Inconclusive`
 * if unknown outcomes leave open who did.
 */
export async function raceRound(scratch: Scratch, folder: string, settings: RaceSettings): Promise<void> {
  const key = `${folder}a`
  const created = await race(scratch, key, settings, create, 'create-only')
  await race(scratch, key, settings, ifMatch(created.etag), 'if-match')
}

async function race(
  scratch: Scratch,
  key: string,
  settings: RaceSettings,
  condition: PutCondition,
  kind: string,
): Promise<GetResult & { readonly outcome: 'found' }> {
  const bodies = Array.from({ length: settings.writers }, () => drawBody(settings))
  const results = await Promise.all(bodies.map((body) => scratch.put(key, body, condition)))
  const after = await scratch.get(key)
  const holder = after.outcome === 'found' ? bodies.indexOf(new TextDecoder().decode(after.body)) : -1
  const unknown = results.find((result) => result.outcome === 'unknown')
  // Who was told `stored` won, and whose body is there won, whatever it was told: a client that repeats by itself may be told that it lost.
  const winners = new Set(results.flatMap((result, writer) => (result.outcome === 'stored' ? [writer] : [])))
  if (holder >= 0) winners.add(holder)
  if (winners.size > 1) {
    throw new Broken(`let ${winners.size} of ${settings.writers} racing ${kind} writes through`)
  }
  if (after.outcome === 'found' && holder >= 0) return after
  if (winners.size === 1)
    throw new Broken(`did not keep the body of the one winner of ${settings.writers} racing ${kind} writes`)
  if (unknown?.outcome === 'unknown') throw new Inconclusive(unknown.error)
  throw new Broken(`refused all of ${settings.writers} racing ${kind} writes, one of which should have won`)
}

function drawBody({ random, mark }: RaceSettings): string {
  const rest = Math.floor(random.next() * (MAX_BODY_BYTES - 64))
  return `${mark()} ${'.'.repeat(rest)}`
}
