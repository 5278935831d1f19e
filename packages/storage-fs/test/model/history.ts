/**
 * What was called on one key and answered, and whether one object that takes one call at a time could have answered the same
 * (M. Herlihy, J. Wing, Linearizability: A Correctness Condition for Concurrent Objects, 1990).
 */
import type { GetResult, PutResult } from '@s3queue/storage'

export type Called =
  | { readonly call: 'create'; readonly body: string }
  | { readonly call: 'if-match'; readonly body: string; readonly etag: string }
  | { readonly call: 'overwrite'; readonly body: string }
  | { readonly call: 'get'; readonly ifNoneMatch?: string | undefined }
  | { readonly call: 'delete' }
  /** Looks for the key in a list; tells its size. */
  | { readonly call: 'list' }

export type Answered =
  | { readonly answer: 'stored'; readonly etag: string }
  | { readonly answer: 'precondition-failed' | 'unknown' | 'not-modified' | 'not-found' | 'deleted' }
  | { readonly answer: 'found'; readonly body: string; readonly etag: string }
  | { readonly answer: 'listed'; readonly size: number | undefined }

export interface Operation {
  /** Different for each operation. */
  readonly name: string
  readonly called: Called
  readonly calledAt: number
  /** Undefined for ever, if the caller crashed. */
  answered: Answered | undefined
  answeredAt: number
}

/** The object, undefined when there is none. The ETag is undefined as long as nobody who knows it has told. */
export type ObjectState = { readonly body: string; readonly etag: string | undefined } | undefined

export interface History {
  readonly operations: readonly Operation[]
  /** The same operations once more, to go on from. */
  copy(): History
  begin(called: Called, name?: string): (answered: Answered) => void
  /** All that matters for the order of what was called so far. */
  describe(): string
}

export function createHistory(earlier: readonly Operation[] = [], startTime = 0): History {
  const operations: Operation[] = earlier.map((operation) => ({ ...operation }))
  let time = startTime
  return {
    operations,
    copy: () => createHistory(operations, time),
    describe: () =>
      operations
        .map((operation) => describeOrder(operation, operations))
        .sort()
        .join('\n'),
    begin(called, name = String(operations.length)) {
      const operation: Operation = {
        name,
        called,
        calledAt: time++,
        answered: undefined,
        answeredAt: Number.POSITIVE_INFINITY,
      }
      operations.push(operation)
      return (answered) => {
        operation.answered = answered
        operation.answeredAt = time++
      }
    },
  }
}

/** Throws unless the calls can be put in an order, each at a moment between call and answer, in which every answer is right. */
export function assertLinearizable(operations: readonly Operation[], start: ObjectState): void {
  const etags = new Map<string, string>()
  for (const { answered } of operations) if (answered?.answer === 'found') etags.set(answered.body, answered.etag)
  const open = operations.filter(({ answered }) => isUncertain(answered))
  const fits = (left: readonly Operation[], state: ObjectState): boolean => {
    if (left.every((operation) => open.includes(operation))) return true
    const firstAnswer = Math.min(...left.map((o) => (open.includes(o) ? Number.POSITIVE_INFINITY : o.answeredAt)))
    return left.some((operation) => {
      if (operation.calledAt > firstAnswer) return false
      const rest = left.filter((other) => other !== operation)
      return statesAfter(operation, state, etags).some((next) => fits(rest, next))
    })
  }
  if (!fits(operations, start)) throw new Error(`No order explains:\n${operations.map(describeOperation).join('\n')}`)
}

function isUncertain(answered: Answered | undefined): boolean {
  return answered === undefined || answered.answer === 'unknown'
}

/** The states that `operation` can lead to from `state`; none if its answer would have been wrong. */
function statesAfter(
  { called, answered }: Operation,
  state: ObjectState,
  etags: ReadonlyMap<string, string>,
): readonly ObjectState[] {
  switch (called.call) {
    case 'delete':
      return [undefined]
    case 'list':
      return answered?.answer === 'listed' && answered.size !== state?.body.length ? [] : [state]
    case 'get':
      return isRightRead(called.ifNoneMatch, answered, state) ? [state] : []
    default: {
      const holds = conditionHolds(called, state)
      if (answered?.answer === 'precondition-failed') return holds ? [] : [state]
      const etag = answered?.answer === 'stored' ? answered.etag : etags.get(called.body)
      return holds ? [{ body: called.body, etag }] : isUncertain(answered) ? [state] : []
    }
  }
}

function conditionHolds(called: Extract<Called, { body: string }>, state: ObjectState): boolean {
  if (called.call === 'create') return state === undefined
  return called.call === 'overwrite' || (state !== undefined && state.etag === called.etag)
}

function isRightRead(ifNoneMatch: string | undefined, answered: Answered | undefined, state: ObjectState): boolean {
  switch (answered?.answer) {
    case undefined:
      return true
    case 'found':
      return (
        state !== undefined &&
        state.body === answered.body &&
        state.etag === answered.etag &&
        state.etag !== ifNoneMatch
      )
    case 'not-modified':
      return state !== undefined && state.etag === ifNoneMatch
    default:
      return state === undefined
  }
}

export function answeredGet(result: GetResult): Answered {
  if (result.outcome !== 'found') return { answer: result.outcome }
  return { answer: 'found', body: new TextDecoder().decode(result.body), etag: result.etag }
}

export function answeredPut(result: PutResult): Answered {
  return result.outcome === 'stored' ? { answer: 'stored', etag: result.etag } : { answer: result.outcome }
}

function describeOrder({ name, answered, calledAt }: Operation, operations: readonly Operation[]): string {
  const before = operations.filter(({ answeredAt }) => answeredAt < calledAt).map((other) => other.name)
  return [name, JSON.stringify(answered), ...before.sort()].join(' ')
}

function describeOperation({ called, calledAt, answered, answeredAt }: Operation): string {
  return `  ${calledAt}–${answeredAt}: ${JSON.stringify(called)} → ${answered === undefined ? 'crashed' : JSON.stringify(answered)}`
}
