/**
 * Why an attempt failed: from what a handler threw to what the log keeps, and to what users read.
 *
 * The record is compact and bounded, as the log holds it for as long as the message: `name` and `message` as texts, the rest as one JSON text (`more`).
 * All of it has at most `maxFailureBytes`; what does not fit is left out, the stack first and then the innermost causes.
 */
import type { FailureRecord } from './state/events.ts'

/** An error as it was recorded, without its class. */
export interface ErrorInfo {
  readonly name: string
  readonly message: string
  /** The error's `code`, such as `ECONNREFUSED`. */
  readonly code?: string | number | undefined
  /** The error that it was made from (`cause`), and so on, up to five. */
  readonly cause?: ErrorInfo | undefined
  /** The first five parts of an `AggregateError`. */
  readonly errors?: readonly ErrorInfo[] | undefined
}

/** One failed attempt, as it is kept with the message. */
export interface Failure extends ErrorInfo {
  /** The attempt that failed, from 1 on. */
  readonly attempt: number
  /** When it was recorded, ms since 1970. */
  readonly at: number
  /** The error's name; `VisibilityTimeout` when the claim ran out, `ProcessEnded` when its worker's process had ended. */
  readonly name: string
  /** As much of the error's stack as fits. The last three failures of a message have a stack, causes, progress and a log. */
  readonly stack?: string | undefined
  /** What the handler reported last with `context.progress` in this attempt, if it has up to 1,024 characters of JSON. */
  readonly progress?: unknown
  /** The last lines that it wrote with `context.log`, up to 2,048 characters. */
  readonly log?: readonly string[] | undefined
}

/** What is recorded of an error. */
export type ErrorRecord = Pick<FailureRecord, 'name' | 'message' | 'more'>

interface More extends Pick<ErrorInfo, 'code' | 'cause' | 'errors'> {
  /** Without its head, which repeats name and message. */
  readonly stack?: string | undefined
}

const FAILURES_IN_FULL = 3
const MAX_NAME_BYTES = 100
const MAX_MESSAGE_BYTES = 2000
/** Of a cause, or of a part of an `AggregateError`. */
const MAX_INNER_BYTES = 300
const MAX_CAUSES = 5
const MAX_PARTS = 5

/** What to record of a thrown value. Throws only what reading the value throws. */
export function recordError(thrown: unknown, maxBytes: number): ErrorRecord {
  const messageBytes = Math.min(MAX_MESSAGE_BYTES, Math.floor(maxBytes / 2))
  if (!isError(thrown)) return { name: 'Error', message: cutToBytes(describeThrown(thrown), messageBytes) }
  const name = cutToBytes(String(thrown.name), MAX_NAME_BYTES)
  const message = cutToBytes(messageOf(thrown), messageBytes)
  const left = maxBytes - Buffer.byteLength(name) - Buffer.byteLength(message)
  const more = textOf(thrown, left)
  return more === '{}' ? { name, message } : { name, message, more }
}

/** At most `maxBytes` of JSON: fewer causes if they do not fit, and as much of the stack as does. */
function textOf(error: Error, maxBytes: number): string {
  for (let depth = MAX_CAUSES; depth >= 0; depth--) {
    const inner = innerOf(error, depth)
    const text = JSON.stringify(inner)
    const left = maxBytes - Buffer.byteLength(text)
    if (left < 0) continue
    const stack = framesOf(error, left - ',"stack":""'.length)
    return stack === '' ? text : JSON.stringify({ ...inner, stack } satisfies More)
  }
  return '{}'
}

function innerOf(error: Error, depth: number): Pick<ErrorInfo, 'code' | 'cause' | 'errors'> {
  const code = 'code' in error ? error.code : undefined
  const parts: unknown = 'errors' in error ? error.errors : undefined
  return {
    ...(typeof code === 'string' ? { code: cutToBytes(code, MAX_NAME_BYTES) } : {}),
    ...(typeof code === 'number' && Number.isFinite(code) ? { code } : {}),
    ...(depth > 0 && error.cause !== undefined ? { cause: infoOf(error.cause, depth - 1) } : {}),
    ...(depth > 0 && Array.isArray(parts) ? { errors: parts.slice(0, MAX_PARTS).map((part) => infoOf(part, 0)) } : {}),
  }
}

function infoOf(error: unknown, depth: number): ErrorInfo {
  if (!isError(error)) return { name: 'Error', message: cutToBytes(describeThrown(error), MAX_INNER_BYTES) }
  const name = cutToBytes(String(error.name), MAX_NAME_BYTES)
  return { name, message: cutToBytes(messageOf(error), MAX_INNER_BYTES), ...innerOf(error, depth) }
}

/** An `AggregateError` often has no message, such as that of a connection that was refused at every address. */
function messageOf(error: Error): string {
  const message = String(error.message)
  if (message !== '' || !('errors' in error) || !Array.isArray(error.errors)) return message
  const parts = error.errors.slice(0, MAX_PARTS).map((part: unknown) => (isError(part) ? part.message : String(part)))
  return `${error.errors.length} errors: ${parts.join('; ')}`
}

/** The stack's lines after the message, as many as have up to `maxBytes` as JSON. */
function framesOf({ stack }: Error, maxBytes: number): string {
  if (typeof stack !== 'string') return ''
  const begin = stack.search(/^ +at /m)
  // Longer than that as text, it is longer as JSON, too.
  let frames = begin < 0 ? '' : stack.slice(begin, begin + Math.max(0, maxBytes))
  if (begin >= 0 && frames.length < stack.length - begin)
    frames = frames.slice(0, Math.max(0, frames.lastIndexOf('\n')))
  while (frames !== '' && Buffer.byteLength(JSON.stringify(frames)) - 2 > maxBytes)
    frames = frames.slice(0, Math.max(0, frames.lastIndexOf('\n')))
  return frames
}

/** An error of any realm: a sandbox has its own class. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

function describeThrown(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return `a handler threw ${JSON.stringify(value) ?? String(value)}`
  } catch {
    return `a handler threw ${Object.prototype.toString.call(value)}`
  }
}

/** The beginning of `text` with at most `maxBytes` in UTF-8, and no half of a character at its end. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text.toWellFormed()
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text.toWellFormed()
  let end = maxBytes
  // The bytes of a character after its first are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** A failure as users read it. */
export function describeFailure({ attempt, at, name, message, more, log, progress }: FailureRecord): Failure {
  const { stack, ...inner } = more === undefined ? {} : readMore(more)
  return {
    ...{ attempt, at, name, message, ...inner },
    ...(stack === undefined ? {} : { stack: `${name}: ${message}\n${stack}` }),
    ...(log === undefined ? {} : { log }),
    ...(progress === undefined ? {} : { progress: readJson(progress) }),
  }
}

/**
 * Failures of a message, oldest first, as users read them. The last ones have all that was recorded, the earlier ones name and message: a message
 * fails the same way most times.
 */
export function describeFailures(records: readonly FailureRecord[]): Failure[] {
  const firstInFull = records.length - FAILURES_IN_FULL
  return records.map((record, i) => {
    if (i >= firstInFull) return describeFailure(record)
    const { attempt, at, name, message } = record
    return { attempt, at, name, message }
  })
}

/** A worker of another version may write something else. */
function readMore(text: string): More {
  const more = readJson(text)
  return typeof more === 'object' && more !== null && !Array.isArray(more) ? more : {}
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
