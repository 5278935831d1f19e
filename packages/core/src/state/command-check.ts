/**
 * Checks commands that any process may have sent: the writer takes only those that it can apply to the end.
 *
 * A command that only a later version knows, or that a defect or a stranger made, must not stop the writer half-way through an object. So the
 * whole object stays in the inbox for a process that can read it, and what it enqueues is not lost.
 */
import { type Fields, isCount, isFields, isText, isWithin } from '@s3queue/primitives'
import { isKeySegment } from '@s3queue/storage'
import { MAX_DURATION_MS } from '../duration.ts'

type Check = (fields: Fields, prefix: string) => boolean

/** The last moment that a `Date` can show, in ms since 1970. */
const LAST_MOMENT = 8.64e15
/** No worker may be silent for longer, in ms: idle ones with the longest heartbeats are for four hours. */
const LONGEST_SILENCE_MS = 6 * 3_600_000
const MAX_NAME_CHARS = 200
const PAYLOAD_NAME = /^[0-9A-Z]{26}$/

const COMMANDS: Readonly<Record<string, Check>> = {
  enqueue: ({ sender, seq, count, maxAttempts, priority, visibleAt, onDead, extras }, prefix) =>
    isSegment(sender) &&
    isCount(seq) &&
    isCount(count) &&
    count >= 1 &&
    isCount(seq + count) &&
    isWhole(maxAttempts, 1, 1000) &&
    isWhole(priority, -1000, 1000) &&
    isWithin(visibleAt, LAST_MOMENT) &&
    (onDead === undefined || onDead === 'replace') &&
    (extras === undefined || (count === 1 && isFields(extras) && areExtras(extras, prefix))),
  settle: ({ worker, settlements }) => (worker === undefined || isSegment(worker)) && all(settlements, isSettlement),
  control: ({ sender, seq, action }) =>
    isSegment(sender) && isCount(seq) && isFields(action) && isOf(ACTIONS, action.kind, action),
  left: ({ worker }) => isSegment(worker),
  notice: ({ worker, number, seen, mailbox, silentForMs, extend, lasting, reports, ...numbers }) =>
    isSegment(worker) &&
    [number, seen].every(isCount) &&
    (mailbox === undefined || isText(mailbox)) &&
    isWithin(silentForMs, LONGEST_SILENCE_MS) &&
    [numbers.capacity, numbers.overCapacity, numbers.concurrency, numbers.rate].every(isAmount) &&
    (extend === undefined || (Array.isArray(extend) && extend.every(isCount))) &&
    (lasting === undefined || (Array.isArray(lasting) && lasting.every(isLasting))) &&
    (reports === undefined || all(reports, isReport)),
}

const ACTIONS: Readonly<Record<string, Check>> = {
  pause: () => true,
  resume: () => true,
  purge: () => true,
  'accept-restore': () => true,
  cancel: ({ id }) => isText(id),
  release: ({ id }) => isText(id),
  redrive: ({ ids }) => ids === undefined || areTexts(ids),
  forget: ({ ids }) => areTexts(ids),
}

const SETTLEMENTS: Readonly<Record<string, Check>> = {
  complete: ({ result }) => result === undefined || isJson(result),
  fail: ({ retriable, afterMs, ...error }) =>
    isError(error) && typeof retriable === 'boolean' && (afterMs === undefined || isDuration(afterMs)),
  reject: isError,
  snooze: ({ ms }) => isDuration(ms),
  release: ({ started }) => typeof started === 'boolean',
}

/** What is wrong with `commands`, which come with this many payloads, in words; undefined if nothing is. `prefix`: of the queue. */
export function findBadCommand(commands: unknown, payloads: number, prefix = ''): string | undefined {
  if (!Array.isArray(commands)) return 'it holds no commands'
  let messages = 0
  for (const command of commands as readonly unknown[]) {
    if (!isFields(command) || !isOf(COMMANDS, command.type, command, prefix))
      return `it holds a command that this version does not know, though a later one may: ${String(JSON.stringify(command)).slice(0, 200)}`
    if (command.type === 'enqueue') messages += Number(command.count)
  }
  return messages === payloads ? undefined : `it enqueues ${messages} messages and holds ${payloads} payloads`
}

function isOf(checks: Readonly<Record<string, Check>>, kind: unknown, fields: Fields, prefix = ''): boolean {
  return typeof kind === 'string' && Object.hasOwn(checks, kind) && checks[kind]?.(fields, prefix) === true
}

function areExtras({ id, deduplicationKey, windowMs, lifo, backoff, payloadKey }: Fields, prefix: string): boolean {
  return (
    [id, deduplicationKey].every((name) => name === undefined || isName(name)) &&
    (windowMs === undefined || isDuration(windowMs)) &&
    (lifo === undefined || lifo === true) &&
    (backoff === undefined || (isFields(backoff) && isBackoff(backoff))) &&
    (payloadKey === undefined || isPayloadKey(payloadKey, prefix))
  )
}

function isSettlement(fields: Fields): boolean {
  const { token, kind, times } = fields
  const areTimes = times === undefined || (Array.isArray(times) && times.length === 2 && times.every(isAmount))
  return isCount(token) && areTimes && isOf(SETTLEMENTS, kind, fields)
}

/** What a handler threw. */
function isError({ name, message, more }: Fields): boolean {
  return isText(name) && isText(message) && (more === undefined || isJson(more))
}

function isBackoff({ baseMs, maxMs, jitter }: Fields): boolean {
  return isDuration(baseMs) && isDuration(maxMs) && isWithin(jitter, 1)
}

/** The writer deletes the object when the message has ended: it must be a payload of this queue. */
function isPayloadKey(key: unknown, prefix: string): boolean {
  const folder = `${prefix}payloads/`
  return typeof key === 'string' && key.startsWith(folder) && PAYLOAD_NAME.test(key.slice(folder.length))
}

function isReport({ token, progress, log }: Fields): boolean {
  return isCount(token) && (progress === undefined || isJson(progress)) && (log === undefined || areTexts(log))
}

function isLasting(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && isCount(pair[0]) && isDuration(pair[1])
}

function all(values: unknown, check: (fields: Fields) => boolean): boolean {
  return Array.isArray(values) && values.every((value) => isFields(value) && check(value))
}

function areTexts(values: unknown): boolean {
  return Array.isArray(values) && values.every(isText)
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_CHARS
}

/** The name of a sender or a worker becomes a part of keys. */
function isSegment(value: unknown): boolean {
  return typeof value === 'string' && isKeySegment(value)
}

function isJson(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most
}

function isAmount(value: unknown): boolean {
  return isWithin(value)
}

function isDuration(value: unknown): boolean {
  return isWithin(value, MAX_DURATION_MS)
}
