/** The store as one process sees it: over its own link, which may be cut, with its own faults, and with replies that come through its gate. */
import {
  type Clock,
  type ObjectStore,
  type PutResult,
  type Random,
  StoreUnavailable,
  sleep,
  UnknownOutcome,
} from '@s3queue/storage'
import { chance } from './draw.ts'
import type { Gate } from './gate.ts'
import { Cut, type Link } from './link.ts'
import type { Refusals } from './refusals.ts'
import type { Stall } from './trap.ts'

export interface ProcessStoreOptions {
  /** The store behind the faults of this process. */
  readonly network: ObjectStore
  readonly gate: Gate
  readonly link: Link
  readonly clock: Clock
  readonly random: Random
  /** Whether the process is notified of changes. */
  readonly notifies: boolean
  /** Undefined: the store refuses nothing. */
  readonly refusals: Refusals | undefined
  /** Called for each request. What it returns keeps this one request from going on. */
  readonly onRequest: (operation: string, key: string) => Stall | undefined
  /** Called with each request's way to the store and back; it may be rejected. */
  readonly onTravel: (way: Promise<unknown>) => void
  /** Called for each answer that arrives, before the process has it. */
  readonly onArrival: (operation: string, key: string) => void
  /** Called for each answer that reaches the process. */
  readonly onReply: (operation: string, key: string, outcome: string) => void
}

interface Request<T> {
  readonly operation: 'get' | 'put' | 'delete' | 'list'
  readonly key: string
  readonly signal: AbortSignal | undefined
  readonly send: (signal: AbortSignal | undefined) => Promise<T>
  /** What a request without an answer comes to. */
  readonly cut: (error: Cut) => T
}

export function createProcessStore(options: ProcessStoreOptions): ObjectStore {
  const { network } = options
  const request = <T>(what: Request<T>): Promise<T> => sendRequest(options, what)
  const unavailable = (key: string): ((cause: Cut) => never) => {
    return (cause) => {
      throw new StoreUnavailable(cause.message, { cause, key })
    }
  }
  const watch = options.notifies ? network.watch?.bind(network) : undefined
  return {
    description: network.description,
    // A process that is cut off or stands still is notified of nothing, or later.
    watch:
      watch &&
      ((watchOptions) =>
        watch({
          ...watchOptions,
          onChange: () => {
            if (!options.link.isUp) return
            options.gate.pass('reply', () => {
              if (!watchOptions.signal.aborted) watchOptions.onChange()
            })
          },
        })),
    get: (key, getOptions = {}) =>
      request({
        ...{ operation: 'get', key, signal: getOptions.signal, cut: unavailable(key) },
        send: (signal) => network.get(key, { ...getOptions, signal }),
      }),
    put: (key, body, { condition, signal: putSignal }) =>
      request<PutResult>({
        ...{ operation: 'put', key, signal: putSignal },
        send: (signal) => network.put(key, body, { condition, signal }),
        cut: (cause) => ({ outcome: 'unknown', error: new UnknownOutcome(cause.message, { cause, key }) }),
      }),
    delete: (keys, { signal: deleteSignal } = {}) =>
      request({
        ...{ operation: 'delete', key: keys.join(' '), signal: deleteSignal, cut: unavailable(keys[0] ?? '') },
        send: (signal) => network.delete(keys, { signal }),
      }),
    list: (listOptions) =>
      request({
        ...{
          operation: 'list',
          key: listOptions.prefix,
          signal: listOptions.signal,
          cut: unavailable(listOptions.prefix),
        },
        send: (signal) => network.list({ ...listOptions, signal }),
      }),
  }
}

function sendRequest<T>(options: ProcessStoreOptions, what: Request<T>): Promise<T> {
  const { gate, random, onRequest, onTravel, onReply } = options
  const { operation, key, signal, cut } = what
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stall = onRequest(operation, key)
    // A caller that gives up closes the connection: the request is stopped on its way, or it is not.
    const given = chance(random, 0.5) ? signal : undefined
    let isOver = false
    const onAbort = (): void => {
      isOver = true
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const reply = (outcome: string, settle: () => void): void =>
      gate.pass('reply', () => {
        if (isOver) return
        signal?.removeEventListener('abort', onAbort)
        onReply(operation, key, outcome)
        settle()
      })
    const way = travel(options, what, stall, given)
    onTravel(way)
    way
      .catch((error: unknown) => {
        if (error instanceof Cut) return cut(error)
        throw error
      })
      .then(
        (answer) => {
          const outcome = outcomeOf(answer)
          if (outcome === 'unknown') options.refusals?.unanswered()
          reply(outcome, () => resolve(answer))
        },
        (error: unknown) => reply(error instanceof Error ? error.name : String(error), () => reject(error)),
      )
  })
}

/** The way of a request to the store and back. Rejects with `Cut` if it is lost. */
function travel<T>(
  { link, clock, refusals, onArrival }: ProcessStoreOptions,
  { operation, key, send }: Request<T>,
  stall: Stall | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  return link.carry(async () => {
    if (stall !== undefined) await sleep(clock, stall.beforeMs)
    refusals?.pass(key)
    const answer = await send(signal)
    if (stall !== undefined) await sleep(clock, stall.afterMs)
    onArrival(operation, key)
    if (stall?.isLost === true) throw new Cut('The answer was lost (injected).')
    return answer
  })
}

function outcomeOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'outcome' in answer ? String(answer.outcome) : 'done'
}
