/**
 * Statistics are exact: each condition's number is that of some moment during the call. So in each shard there must be a moment in its history between the
 * beginning and the end of the call, such that together as many were active, completed and dead; and what waits must be what waited then, with
 * what lay in the inbox.
 */
import type { QueueStats } from '../../../src/index.ts'
import type { Command } from '../../../src/state/commands.ts'
import type { InboxObject } from '../truth/inbox.ts'
import type { Shard } from '../world/shard.ts'
import type { Shards } from '../world/shards.ts'
import { must } from '../world/violation.ts'

/** What was true when the call began, by shards. */
export interface StatsBeginning {
  readonly at: number
  readonly shards: ReadonlyMap<Shard, ShardBeginning>
}

interface ShardBeginning {
  readonly moment: number
  readonly inbox: readonly InboxObject[]
}

/** A shard that nobody knew of had nothing in it. */
const NOTHING: ShardBeginning = { moment: 0, inbox: [] }

/** What may be told of some shards together: so many, of which between `least` and `most` wait. */
interface Possible {
  readonly active: number
  readonly completed: number
  readonly dead: number
  readonly least: number
  readonly most: number
}

export class StatsCheck {
  readonly #shards: Shards
  readonly #seen = new Map<Shard, InboxObject[]>()

  constructor(shards: Shards) {
    this.#shards = shards
  }

  /** An object came into the inbox of a shard. */
  stored(shard: Shard, object: InboxObject): void {
    const seen = this.#seen.get(shard) ?? []
    this.#seen.set(shard, seen)
    seen.push(object)
  }

  begin(at: number): StatsBeginning {
    const now = ({ history, inbox }: Shard): ShardBeginning => ({
      moment: history.moments.length - 1,
      inbox: [...inbox.present.values()],
    })
    return { at, shards: new Map(Array.from(this.#shards, (shard) => [shard, now(shard)])) }
  }

  end(process: string, beginning: StatsBeginning, stats: QueueStats): void {
    const { waiting, delayed, active, completed, dead, total } = stats
    must(
      total === waiting + delayed + active + completed + dead,
      `${process}: the parts of ${JSON.stringify(stats)} do not add up`,
    )
    let possible: readonly Possible[] = [{ active: 0, completed: 0, dead: 0, least: 0, most: 0 }]
    for (const shard of this.#shards) possible = together(possible, this.#possible(shard, beginning, stats), stats)
    const wait = waiting + delayed
    const isTrue = possible.some(
      (one) =>
        one.active === active &&
        one.completed === completed &&
        one.dead === dead &&
        one.least <= wait &&
        wait <= one.most,
    )
    if (isTrue) return
    const during = Array.from(this.#shards, (shard) => this.#describe(shard, beginning)).join('\n')
    must(false, `${process} is told ${JSON.stringify(stats)}, which was true at no moment of its call.\n${during}`)
  }

  /** A queue was told to be empty: so each of its shards must have been at some moment of the call. */
  endDrained(process: string, beginning: StatsBeginning): void {
    for (const shard of this.#shards) {
      const { moment, inbox } = beginning.shards.get(shard) ?? NOTHING
      const wasEmpty = shard.history.moments
        .slice(moment)
        .some(
          ({ waiting, delayed, active }, i) =>
            waiting + delayed + active === 0 && unfolded(shard, inbox.flatMap(certain), moment + i) === 0,
        )
      must(
        wasEmpty,
        `${process} is told that the queue is empty, which shard ${shard.index} was at no moment of the call`,
      )
    }
  }

  /** The numbers of the moments of the call, as far as they are not above those that were told. */
  #possible(shard: Shard, { at, shards }: StatsBeginning, told: QueueStats): Possible[] {
    const { moment, inbox } = shards.get(shard) ?? NOTHING
    const during = (this.#seen.get(shard) ?? []).filter((object) => object.storedAt >= at)
    const [sure, unsure] = [inbox.flatMap(certain), [...inbox, ...during].flatMap(all)]
    const possible = new Map<string, Possible>()
    for (let i = moment; i < shard.history.moments.length; i++) {
      const then = shard.history.moments[i]
      if (then === undefined) continue
      const { active, completed } = then
      // Some of the dead may be too old to be shown.
      const dead = shard.history.model.hasShortDeadAge ? Math.min(then.dead, told.dead) : then.dead
      if (!isWithin({ active, completed, dead }, told)) continue
      const wait = then.waiting + then.delayed
      const [least, most] = [wait + unfolded(shard, sure, i), wait + unfolded(shard, unsure, i)]
      possible.set([active, completed, dead, least, most].join(), { active, completed, dead, least, most })
    }
    return [...possible.values()]
  }

  #describe(shard: Shard, { shards }: StatsBeginning): string {
    const { moment, inbox } = shards.get(shard) ?? NOTHING
    const since = shard.history.moments.slice(moment).map((then) => JSON.stringify(then))
    const unread = unfolded(shard, inbox.flatMap(all), moment)
    return `Since it began, with ${unread} in the inbox of shard ${shard.index}:\n  ${[...new Set(since)].slice(-40).join('\n  ')}`
  }
}

/** Whatever is possible for one and for the other, as far as it is not above what was told. */
function together(some: readonly Possible[], others: readonly Possible[], told: QueueStats): Possible[] {
  const sums = new Map<string, Possible>()
  for (const one of some) {
    for (const other of others) {
      const sum = {
        active: one.active + other.active,
        completed: one.completed + other.completed,
        dead: one.dead + other.dead,
        least: one.least + other.least,
        most: one.most + other.most,
      }
      if (isWithin(sum, told)) sums.set(Object.values(sum).join(), sum)
    }
  }
  return [...sums.values()]
}

function isWithin(
  { active, completed, dead }: Pick<Possible, 'active' | 'completed' | 'dead'>,
  told: QueueStats,
): boolean {
  return active <= told.active && completed <= told.completed && dead <= told.dead
}

/** How many of these numbers were not in the log yet at a moment of a shard's history. */
function unfolded({ history }: Shard, numbers: readonly string[], moment: number): number {
  let count = 0
  for (const number of new Set(numbers)) {
    if ((history.foldedAt.get(number) ?? Number.POSITIVE_INFINITY) > moment) count++
  }
  return count
}

/** The numbers of all messages in an inbox object. */
function all({ commands }: InboxObject): string[] {
  return commands.flatMap(numbersOf)
}

/** The same without those that may turn out to be duplicates. */
function certain({ commands }: InboxObject): string[] {
  return commands.filter((command) => command.type === 'enqueue' && command.extras === undefined).flatMap(numbersOf)
}

function numbersOf(command: Command): string[] {
  if (command.type !== 'enqueue') return []
  return Array.from({ length: command.count }, (_, i) => `${command.sender}-${command.seq + i}`)
}
