/**
 * Where messages of a queue with several shards live: an id that the queue gives tells the shard it is in, a name that a user gives stays with the
 * shard that it had first, whatever the number of shards is, and a key moves to new shards only. And that number itself: it only grows.
 */
import type { QueueEvent } from '../../../src/state/events.ts'
import { valueIn } from '../world/value-in.ts'
import { must } from '../world/violation.ts'

interface ShardCount {
  readonly count: number
  readonly firstCount: number
}

export class Homes {
  /** What was ever written down, the latest last. */
  readonly #counts: ShardCount[] = []
  readonly #names = new Map<string, number>()
  readonly #keys = new Map<string, Set<number>>()

  /** How many shards there are, by what is written down. */
  get count(): number {
    return this.#counts.at(-1)?.count ?? 1
  }

  /** Somebody wrote down how many there are. */
  counted(body: Uint8Array): void {
    const now = valueIn(body) as ShardCount
    const before = this.#counts.at(-1)
    this.#counts.push(now)
    if (before === undefined) return
    must(now.count >= before.count, `there are ${now.count} shards after ${before.count}`)
    must(
      now.firstCount === before.firstCount,
      `the queue began with ${now.firstCount} shards, but before it was ${before.firstCount}`,
    )
  }

  /** Messages came into the log of a shard. */
  enqueued(shard: number, { sender, extras }: Extract<QueueEvent, { type: 'enqueued' }>): void {
    const told = Number(sender.split('.')[1] ?? 0)
    must(told === shard, `shard ${shard} gets messages of ${sender}, whose ids tell of shard ${told}`)
    if (extras?.id !== undefined) this.#named('the id', extras.id, shard)
    if (extras?.deduplicationKey !== undefined) this.#named('the key', extras.deduplicationKey, shard)
  }

  /** A message with a key of its own went to a shard. */
  keyed(key: string, shard: number): void {
    const homes = this.#keys.get(key) ?? new Set()
    this.#keys.set(key, homes.add(shard))
    for (const home of homes) {
      const [low, high] = [Math.min(home, shard), Math.max(home, shard)]
      const isMoved = low === high || this.#counts.some(({ count }) => low < count && count <= high)
      must(
        isMoved,
        `messages of ${key} go to shard ${home} and to shard ${shard}, though both were always there together`,
      )
    }
  }

  #named(what: string, name: string, shard: number): void {
    const home = this.#names.get(name) ?? shard
    this.#names.set(name, home)
    must(home === shard, `${what} ${name} is in shard ${home} and comes into shard ${shard}`)
  }
}
