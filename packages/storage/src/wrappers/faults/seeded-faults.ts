import { assertKnownKeys, numberOption } from '../../options/check-options.ts'
import { InvalidOption } from '../../options/invalid-option.ts'
import type { Random } from '../../runtime/random.ts'
import { FAULT_KINDS, FAULTS_OF, type Fault, type FaultKind, type FaultPlan } from './fault.ts'

/** For each kind of fault the share of requests, or of notifications, that have it, of those that can: 0.01 is one in a hundred. Together at most 1. Default 0 each. */
export type FaultRates = Partial<Readonly<Record<FaultKind, number>>>

/** Times are drawn evenly from 0 up to these bounds, all in ms. */
export interface FaultTimes {
  /** Each way of a request that has a fault, and the slow ones among them. Default 200. */
  readonly latencyMs?: number | undefined
  /** When callers give up; not drawn but always this. Default 1,000. */
  readonly timeoutMs?: number | undefined
  /** When a late request takes effect. Default 10,000. */
  readonly lateMs?: number | undefined
  /** Between the two arrivals of a request that is sent twice. Default 500. */
  readonly gapMs?: number | undefined
  /** How long a list takes that races with changes. Default 200. */
  readonly spreadMs?: number | undefined
  /** What a store asks to wait; every other throttled answer asks for nothing. Default 1,000. */
  readonly retryAfterMs?: number | undefined
}

type ResolvedFaultTimes = { readonly [K in keyof FaultTimes]-?: number }

/** A plan that draws faults at random: the same for the same seed and the same order of requests. Throws `InvalidOption` for rates that are none. */
export function seededFaults(random: Random, rates: FaultRates, times: FaultTimes = {}): FaultPlan {
  assertRates(rates)
  const resolved = resolveFaultTimes(times)
  return {
    next(operation) {
      let draw = random.next()
      for (const kind of FAULTS_OF[operation.kind]) {
        draw -= rates[kind] ?? 0
        if (draw < 0) return drawFault(kind, random, resolved)
      }
      return undefined
    },
  }
}

function assertRates(rates: FaultRates): void {
  assertKnownKeys('seededFaults', rates, FAULT_KINDS)
  let sum = 0
  for (const kind of FAULT_KINDS) sum += numberOption('seededFaults', kind, rates[kind], 0, { max: 1 })
  if (sum > 1 + 1e-9)
    throw new InvalidOption('seededFaults', 'rates', `must not add up to more than 1, as they do to ${sum}.`)
}

function resolveFaultTimes(times: FaultTimes): ResolvedFaultTimes {
  const owner = 'seededFaults (times)'
  const resolved: ResolvedFaultTimes = {
    latencyMs: numberOption(owner, 'latencyMs', times.latencyMs, 200),
    timeoutMs: numberOption(owner, 'timeoutMs', times.timeoutMs, 1_000),
    lateMs: numberOption(owner, 'lateMs', times.lateMs, 10_000),
    gapMs: numberOption(owner, 'gapMs', times.gapMs, 500),
    spreadMs: numberOption(owner, 'spreadMs', times.spreadMs, 200),
    retryAfterMs: numberOption(owner, 'retryAfterMs', times.retryAfterMs, 1_000),
  }
  assertKnownKeys(owner, times, Object.keys(resolved))
  return resolved
}

function drawFault(kind: FaultKind, random: Random, times: ResolvedFaultTimes): Fault {
  const upTo = (ms: number): number => Math.floor(random.next() * ms)
  const isHeads = (): boolean => random.next() < 0.5
  const { timeoutMs } = times
  const travel = { sendMs: upTo(times.latencyMs), answerMs: upTo(times.latencyMs) }
  switch (kind) {
    case 'latency':
    case 'truncated-body':
      return { kind, ...travel }
    case 'throttled':
      return { kind, ...travel, retryAfterMs: isHeads() ? upTo(times.retryAfterMs) : undefined }
    case 'server-error':
    case 'conflict':
      return { kind, ...travel, applied: isHeads() }
    case 'timeout-before-apply':
      return { kind, timeoutMs }
    case 'timeout-after-apply':
      return { kind, timeoutMs, sendMs: travel.sendMs }
    case 'late-apply':
      return { kind, timeoutMs, applyMs: upTo(times.lateMs) }
    case 'double-send':
      return { kind, ...travel, gapMs: upTo(times.gapMs), answer: isHeads() ? 'first' : 'second' }
    case 'list-race':
      return { kind, ...travel, spreadMs: upTo(times.spreadMs) }
    case 'lost-notification':
      return { kind }
  }
}
