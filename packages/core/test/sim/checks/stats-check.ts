/**
 * Statistics are exact: each condition's number is that of some moment during the call. So there must be a moment in the history between the beginning and the
 * end of the call at which as many were active, completed and dead; and what waits must be what waited then, with what lay in the inbox.
 */
import type { QueueStats } from '../../../src/index.ts'
import type { Command } from '../../../src/state/commands.ts'
import type { History } from '../truth/history.ts'
import type { InboxObject, InboxRecord } from '../truth/inbox.ts'
import { must } from '../world/violation.ts'

/** What was true when the call began. */
export interface StatsBeginning {
  readonly moment: number
  readonly inbox: readonly InboxObject[]
  readonly at: number
}

export class StatsCheck {
  readonly #history: History
  readonly #inbox: InboxRecord
  readonly #seen: InboxObject[] = []

  constructor(history: History, inbox: InboxRecord) {
    this.#history = history
    this.#inbox = inbox
  }

  /** An object came into the inbox. */
  stored(object: InboxObject): void {
    this.#seen.push(object)
  }

  begin(at: number): StatsBeginning {
    return { moment: this.#history.moments.length - 1, inbox: [...this.#inbox.present.values()], at }
  }

  end(process: string, { moment, inbox, at }: StatsBeginning, stats: QueueStats): void {
    const { waiting, delayed, active, completed, dead, total } = stats
    must(
      total === waiting + delayed + active + completed + dead,
      `${process}: the parts of ${JSON.stringify(stats)} do not add up`,
    )
    const during = this.#seen.filter((object) => object.storedAt >= at)
    const { moments } = this.#history
    for (let i = moment; i < moments.length; i++) {
      const then = moments[i]
      if (then === undefined || then.active !== active || then.completed !== completed || then.dead !== dead) continue
      const beyond = waiting + delayed - then.waiting - then.delayed
      const least = this.#unfolded(inbox.flatMap(certain), i)
      if (beyond >= least && beyond <= this.#unfolded([...inbox, ...during].flatMap(all), i)) return
    }
    const since = moments.slice(moment).map((then) => JSON.stringify(then))
    must(
      false,
      `${process} is told ${JSON.stringify(stats)}, which was true at no moment of its call. Since it began, with ${this.#unfolded(inbox.flatMap(all), moment)} in the inbox:\n  ${[...new Set(since)].slice(-40).join('\n  ')}`,
    )
  }

  /** A queue was told to be empty: so it must have been at some moment of the call. */
  endDrained(process: string, { moment, inbox }: StatsBeginning): void {
    const since = this.#history.moments.slice(moment)
    const wasEmpty = since.some(
      ({ waiting, delayed, active }, i) =>
        waiting + delayed + active === 0 && this.#unfolded(inbox.flatMap(certain), moment + i) === 0,
    )
    must(wasEmpty, `${process} is told that the queue is empty, which it was at no moment of the call`)
  }

  /** How many of these numbers were not in the log yet at a moment of the history. */
  #unfolded(numbers: readonly string[], moment: number): number {
    let count = 0
    for (const number of new Set(numbers)) {
      if ((this.#history.foldedAt.get(number) ?? Number.POSITIVE_INFINITY) > moment) count++
    }
    return count
  }
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
