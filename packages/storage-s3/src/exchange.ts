/**
 * One request and its answer, once: no retry, one time-out, and the head of the answer kept in every case, because it
 * holds the store's clock and its wish to be left alone for a while. It prevents writes that the SDK silently repeats:
 * the second attempt of a create-only write fails against the first.
 */
import type { S3Client, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3'
import type { Command, MiddlewareStack } from '@smithy/types'
import { createS3Client } from './client.ts'
import { type Deadline, withDeadline } from './deadline.ts'
import { type Failure, readFailure } from './failure.ts'
import { describePlace, type ResolvedS3StoreOptions } from './options.ts'
import { type ResponseHead, readStoreTimeMs } from './response-head.ts'

/** What all requests of a store share. */
export interface Link {
  readonly client: S3Client
  readonly options: ResolvedS3StoreOptions
  readonly description: string
  /** Whether the store has answered before: then its credentials were good, and failing to renew them is an outage. */
  readonly history: { answered: boolean }
}

export function createLink(options: ResolvedS3StoreOptions): Link {
  const client = options.client ?? createS3Client(options)
  return { client, options, description: describePlace(options), history: { answered: false } }
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly storeTimeMs: number | undefined }
  | { readonly ok: false; readonly failure: Failure }

export interface ExchangeOptions {
  readonly signal: AbortSignal | undefined
  /** Bytes of the body that is sent. Default 0. */
  readonly bytes?: number | undefined
}

type S3Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  I,
  ServiceOutputTypes,
  O,
  S3ClientResolvedConfig
>

/**
 * Sends `command` and reads its answer with `read`, all within the time-out. Resolves also when that fails; rejects only with
 * the reason of an aborted signal.
 */
export async function exchange<I extends ServiceInputTypes, O extends ServiceOutputTypes, T>(
  link: Link,
  command: S3Command<I, O>,
  { signal, bytes = 0 }: ExchangeOptions,
  read: (output: O, deadline: Deadline) => T | Promise<T>,
): Promise<Reply<T>> {
  const { clock, requestTimeoutMs } = link.options
  let head: ResponseHead | undefined
  watch(command.middlewareStack, (seen) => {
    head = seen
    link.history.answered = true
  })
  try {
    const value = await withDeadline({ clock, timeoutMs: requestTimeoutMs, bytes, signal }, async (deadline) => {
      const output = await link.client.send(command, { abortSignal: deadline.signal })
      return await read(output, deadline)
    })
    return { ok: true, value, storeTimeMs: readStoreTimeMs(head) }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    return { ok: false, failure: readFailure(error, { head, clock, answeredBefore: link.history.answered }) }
  }
}

/** Takes the retries out of a command's way, and looks at the head of its answer before anything else does. */
function watch<I extends object, O extends object>(
  stack: MiddlewareStack<I, O>,
  onHead: (head: ResponseHead) => void,
): void {
  stack.add((next) => next, { step: 'finalizeRequest', priority: 'high', name: 'retryMiddleware', override: true })
  stack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { statusCode, headers } = result.response as { statusCode: number; headers: Record<string, string> }
      onHead({ status: statusCode, headers })
      return result
    },
    { step: 'deserialize', priority: 'low', name: 's3queueResponseHead' },
  )
}
