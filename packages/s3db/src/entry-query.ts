/**
 * What `list`, `query` and `count` of a queue resource are asked for. A resource of s3db.js ignores what it does not know, so a mistyped option selects
 * everything and a mistyped field nothing: here both are refused with a `QueueError` 400.
 */
import type { MessageStatus } from '@s3queue/core'
import { nearestName } from '@s3queue/storage'
import type { EntryStatus, QueueEntry } from './entry.ts'
import { QueueError } from './errors.ts'

export type EntryFilter = Partial<Readonly<Record<keyof QueueEntry, unknown>>>

/** The one partition that a queue resource has. */
export interface EntryPartition {
  readonly partition?: 'byStatus' | null | undefined
  readonly partitionValues?: { readonly status?: EntryStatus | undefined } | undefined
  /** Without effect: the queue resource has no cache. */
  readonly skipCache?: boolean | undefined
}

export interface ViewPage extends EntryPartition {
  /** Default: all of them. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
}

/** A query that was checked. */
export interface EntryQuery {
  /** Where its entries can be, in the order of the result. */
  readonly statuses: readonly MessageStatus[]
  readonly matches: (entry: QueueEntry) => boolean
  readonly limit: number
  readonly offset: number
}

const STATUSES: Readonly<Record<EntryStatus, readonly MessageStatus[]>> = {
  pending: ['waiting', 'delayed'],
  processing: ['active'],
  completed: ['completed'],
  failed: ['dead'],
  dead: ['dead'],
}
const ALL: readonly MessageStatus[] = ['waiting', 'delayed', 'active', 'completed', 'dead']

const FIELDS: Readonly<Record<keyof QueueEntry, true>> = {
  ...{ id: true, originalId: true, status: true, visibleAt: true, attempts: true, maxAttempts: true },
  ...{ claimedBy: true, claimedAt: true, lockToken: true, queuedAt: true, createdAt: true, completedAt: true },
  ...{ result: true, error: true, progress: true, _etag: true },
}
const PAGE_OPTIONS = ['limit', 'offset', 'partition', 'partitionValues', 'skipCache']

/** Throws a `QueueError` 400 for a field, a status, a value, an option or a partition that no entry can match. */
export function resolveEntryQuery(operation: string, filter: EntryFilter, page: ViewPage): EntryQuery {
  assertNames(operation, 'option', page, PAGE_OPTIONS)
  const partition = partitionFilter(operation, page)
  for (const one of [partition, filter]) assertFilter(operation, one)
  const status = partition.status ?? filter.status
  const fields = [...Object.entries(partition), ...Object.entries(filter)]
  return {
    statuses: isStatus(status) ? STATUSES[status] : ALL,
    matches: (entry) => fields.every(([field, value]) => Reflect.get(entry, field) === value),
    limit: count(operation, 'limit', page.limit, Number.POSITIVE_INFINITY),
    offset: count(operation, 'offset', page.offset, 0),
  }
}

/** As the library has them: a partition without values is all of it. */
function partitionFilter(operation: string, { partition, partitionValues = {} }: EntryPartition): EntryFilter {
  if (partition == null) {
    const [value] = Object.keys(partitionValues)
    if (value === undefined) return {}
    throw refused(operation, 'partitionValues', 'are given without a partition', "Add partition: 'byStatus'.")
  }
  if (partition !== 'byStatus') {
    const advice = "Use 'byStatus', or query() with the fields that are wanted."
    throw refused(operation, 'partition', `${JSON.stringify(partition)} does not exist`, advice)
  }
  assertNames(operation, 'partition value', partitionValues, ['status'])
  return partitionValues.status === undefined ? {} : { status: partitionValues.status }
}

function assertFilter(operation: string, filter: EntryFilter): void {
  assertNames(operation, 'field', filter, Object.keys(FIELDS))
  for (const [field, value] of Object.entries(filter)) {
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) {
      const advice = 'Give text, a number, true, false or null; filter what list() resolves to for anything else.'
      throw refused(operation, field, `cannot be compared with ${describe(value)}`, advice)
    }
    if (field === 'status' && !isStatus(value)) {
      const advice = `Use one of ${Object.keys(STATUSES).join(', ')}.`
      throw refused(operation, field, `cannot be ${JSON.stringify(value)}`, advice)
    }
  }
}

function isStatus(value: unknown): value is EntryStatus {
  return typeof value === 'string' && Object.hasOwn(STATUSES, value)
}

function assertNames(operation: string, kind: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw refused(operation, `${kind}s`, `must be an object, not ${describe(given)}`, `Known: ${known.join(', ')}.`)
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    const advice = `${nearest === undefined ? '' : `Did you mean ${JSON.stringify(nearest)}? `}Known: ${known.join(', ')}.`
    throw refused(operation, `${kind} ${JSON.stringify(name)}`, 'is not known', advice)
  }
}

/** A limit may be `Infinity`. */
function count(operation: string, name: string, value: number | undefined, fallback: number): number {
  if (value == null) return fallback
  if (typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === fallback)) return value
  throw refused(operation, name, `cannot be ${describe(value)}`, 'Give a whole number from 0 on.')
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return JSON.stringify(value)
  return `a value of type ${typeof value}`
}

function refused(operation: string, what: string, why: string, suggestion: string): QueueError {
  return new QueueError(`${operation}() of a queue resource: ${what} ${why}.`, {
    ...{ statusCode: 400, operation, suggestion },
  })
}
