/**
 * What an actor asks of the world, and how the world answers, as plain data. Answers are short texts: the row of answers
 * that an actor got is all there is to know about it, as it depends on nothing else.
 */
import type { GetResult, ListResult, PutResult } from '@s3queue/storage'
import { StoreUnavailable, UnknownOutcome } from '@s3queue/storage'
import { type Contents, etagOf } from './contents.ts'

export type Request =
  | { readonly kind: 'get'; readonly key: string; readonly unless: number }
  | {
      readonly kind: 'put'
      readonly key: string
      readonly content: number
      /** The content that must be there; 0: none may be there; -1: no condition. */
      readonly expects: number
      /** Which call of which process this write belongs to, where a monitor wants to know. */
      readonly by: string
    }
  | { readonly kind: 'delete'; readonly keys: readonly string[] }
  | { readonly kind: 'list'; readonly prefix: string; readonly startAfter: string; readonly limit: number }
  /** Not for the store: the script lets the explorer decide what to do next. */
  | { readonly kind: 'choose'; readonly options: readonly string[] }

export type Read = Extract<Request, { kind: 'get' }>

export type Write = Extract<Request, { kind: 'put' }>

export const STORED = 'stored'
export const REFUSED = 'refused'
/** As `REFUSED` for the one who asked, but the write took place: it was sent twice. */
export const REFUSED_TWICE = 'refused twice'
export const UNKNOWN = 'unknown'
export const ABSENT = 'absent'
export const SAME = 'same'
export const DONE = 'done'
/** No answer to a read, a list or a delete. */
export const DOWN = 'down'

export function stored(content: number): string {
  return `${STORED} ${content}`
}

export function found(content: number): string {
  return `found ${content}`
}

/** The answer to a request as the port gives it; throws what the port would throw. */
export function answerOf(
  request: Request,
  reply: string,
  contents: Contents,
): PutResult | GetResult | ListResult | string | undefined {
  if (reply === DOWN) throw new StoreUnavailable('No answer.')
  const [word, rest = ''] = reply.split(' ')
  switch (request.kind) {
    case 'choose':
      return reply
    case 'delete':
      return undefined
    case 'list':
      return JSON.parse(reply) as ListResult
    case 'put':
      if (word === STORED) return { outcome: 'stored', etag: etagOf(Number(rest)) }
      if (word === REFUSED) return { outcome: 'precondition-failed' }
      return { outcome: 'unknown', error: new UnknownOutcome('No answer.') }
    case 'get':
      if (word === ABSENT) return { outcome: 'not-found' }
      if (word === SAME) return { outcome: 'not-modified' }
      return { outcome: 'found', body: contents.bytesOf(Number(rest)).slice(), etag: etagOf(Number(rest)) }
  }
}

export function describeRequest(request: Request): string {
  switch (request.kind) {
    case 'get':
      return `get ${request.key}`
    case 'put': {
      const condition = request.expects === 0 ? ' if absent' : request.expects > 0 ? ` if ${request.expects}` : ''
      return `put ${request.key} := ${request.content}${condition}`
    }
    case 'delete':
      return `delete ${request.keys.join(' ')}`
    case 'list':
      return `list ${request.prefix}`
    case 'choose':
      return 'choose'
  }
}
