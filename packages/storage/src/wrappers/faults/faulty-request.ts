/** One request and what each fault makes of it. */
import { StoreUnavailable, Throttled } from '../../port/errors.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Fault, StoreOperation } from './fault.ts'

/** A request, in the terms that are the same for all four methods. */
export interface FaultyRequest<T> {
  readonly operation: StoreOperation
  /** `a put of "a/b" at memory://`, for messages. */
  readonly words: string
  readonly key: string | undefined
  readonly signal: AbortSignal | undefined
  /** Sends it; may be called again, and after the caller was answered. */
  send(signal: AbortSignal | undefined): Promise<T>
  /** What the caller gets in place of an answer: returned for a write, thrown for all else. */
  fail(error: Throttled | StoreUnavailable): T
  /** What becomes of an answer whose body breaks off. */
  truncate(answer: T): T
  /** What becomes of two answers to one list. */
  merge(before: T, after: T): T
}

/** Takes effects that outlive their request, and knows when all have landed. */
export interface Background {
  /** Starts `effect` after `ms`. Its answer and its errors reach nobody. */
  start(ms: number, effect: () => Promise<unknown>): void
}

export async function sendWithFault<T>(
  fault: Fault,
  request: FaultyRequest<T>,
  clock: Clock,
  background: Background,
): Promise<T> {
  const { signal, words, key } = request
  const pause = async (ms = 0): Promise<void> => {
    if (ms > 0) await sleep(clock, ms, signal)
  }
  const fail = (problem: string): T => request.fail(new StoreUnavailable(`${problem} to ${words} (injected).`, { key }))

  switch (fault.kind) {
    case 'latency':
    case 'truncated-body': {
      await pause(fault.sendMs)
      const answer = await request.send(signal)
      await pause(fault.answerMs)
      return fault.kind === 'latency' ? answer : request.truncate(answer)
    }
    case 'throttled': {
      const { retryAfterMs } = fault
      await pause(fault.sendMs)
      await pause(fault.answerMs)
      return request.fail(new Throttled(`503 SlowDown to ${words} (injected).`, { key, retryAfterMs }))
    }
    case 'server-error':
    case 'conflict':
      await pause(fault.sendMs)
      if (fault.applied) await request.send(signal)
      await pause(fault.answerMs)
      return fail(fault.kind === 'conflict' ? '409 ConditionalRequestConflict' : '500 InternalError')
    case 'timeout-before-apply':
      await pause(fault.timeoutMs)
      return fail(`No answer in ${fault.timeoutMs} ms`)
    case 'timeout-after-apply':
      await pause(fault.sendMs)
      await request.send(signal)
      await pause(fault.timeoutMs - (fault.sendMs ?? 0))
      return fail(`No answer in ${fault.timeoutMs} ms`)
    case 'late-apply':
      background.start(fault.applyMs, () => request.send(undefined))
      await pause(fault.timeoutMs)
      return fail(`No answer in ${fault.timeoutMs} ms`)
    case 'double-send': {
      await pause(fault.sendMs)
      const first = await request.send(signal)
      if (fault.answer === 'first') {
        background.start(fault.gapMs, () => request.send(undefined))
        await pause(fault.answerMs)
        return first
      }
      await pause(fault.gapMs)
      const second = await request.send(signal)
      await pause(fault.answerMs)
      return second
    }
    case 'lost-notification':
      throw new Error(`The fault "${fault.kind}" is for notifications, not for ${words}.`)
    case 'list-race': {
      await pause(fault.sendMs)
      const before = await request.send(signal)
      await pause(fault.spreadMs)
      const after = await request.send(signal)
      await pause(fault.answerMs)
      return request.merge(before, after)
    }
  }
}
