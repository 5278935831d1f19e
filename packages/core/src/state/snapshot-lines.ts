/** What the lines of a snapshot are made of. */
import type { NumberColumn, ValueColumn } from './columns.ts'
import type { Report, Retention } from './events.ts'
import type { ClaimColumns, DeadColumns, RunColumns } from './snapshot-rows.ts'

export const FORMAT = 4

export interface HeadLine {
  readonly kind: 'head'
  readonly format: number
  readonly slot: number
  readonly now: number
  readonly nextToken: number
  readonly nextRun: number
  readonly paused: boolean
  readonly shared: boolean
  readonly retention: Retention
  readonly completedCount: number
  readonly sweptAt: number
}

interface Table<K extends string> {
  readonly kind: K
  readonly rows: number
}

export interface SenderLine extends Table<'senders'> {
  readonly name: ValueColumn<string>
  readonly next: NumberColumn
  readonly seenAt: NumberColumn
  readonly early: ValueColumn<readonly (readonly [number, number])[] | null>
}

export interface CompletedLine extends Table<'completed'> {
  readonly id: ValueColumn<string>
  readonly ordinal: NumberColumn
  readonly attempts: NumberColumn
  readonly enqueuedAt: NumberColumn
  readonly completedAt: NumberColumn
  readonly result: ValueColumn<string | null>
  readonly report: ValueColumn<Report | null>
  readonly stored: ValueColumn<readonly [slot: number, token: number] | null>
  readonly chars: NumberColumn
}

export interface EndedLine extends Table<'ended'> {
  readonly id: ValueColumn<string>
  readonly until: NumberColumn
}

export interface KeyLine extends Table<'keys'> {
  readonly key: ValueColumn<string>
  readonly id: ValueColumn<string>
  readonly until: NumberColumn
}

/** Workers that left. */
export interface LeftLine extends Table<'left'> {
  readonly worker: ValueColumn<string>
  readonly at: NumberColumn
}

export interface AnswerLine extends Table<'answers'> {
  readonly to: ValueColumn<string>
  readonly result: NumberColumn
  readonly at: NumberColumn
}

export interface GarbageLine extends Table<'garbage'> {
  readonly key: ValueColumn<string>
}

export interface UnnamedLine extends Table<'unnamed'> {
  readonly key: ValueColumn<string>
  readonly since: NumberColumn
}

/** A line of a snapshot. The head comes first. */
export type Line =
  | HeadLine
  | SenderLine
  | RunColumns
  | ClaimColumns
  | DeadColumns
  | CompletedLine
  | EndedLine
  | KeyLine
  | LeftLine
  | AnswerLine
  | GarbageLine
  | UnnamedLine
