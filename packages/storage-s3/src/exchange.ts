/**
 * One request and its answer: one time-out, and the head of the answer kept in every case, because it holds the store's clock and how long
 * it asks to be left alone. It prevents writes that the SDK silently repeats: the second attempt of a create-only write fails against the
 * first. Only a request whose signature was refused is sent again, once for each remedy, as it has changed nothing.
 */
import type { S3Client, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3'
import type { Command, MiddlewareStack } from '@smithy/types'
import { createS3Client } from './client.ts'
import { CredentialsRenewal, type SignedHeaders } from './credentials-renewal.ts'
import { type Deadline, withDeadline } from './deadline.ts'
import { type Failure, readFailure } from './failure.ts'
import { describePlace, type ResolvedS3StoreOptions } from './options.ts'
import { mayBeRefusal, type Remedy, remediesFor } from './refusals.ts'
import { type ResponseHead, readStoreTimeMs } from './response-head.ts'
import { WriteChecksums } from './write-checksums.ts'

/** What all requests of a store share. */
export interface Link {
  readonly client: S3Client
  readonly options: ResolvedS3StoreOptions
  readonly description: string
  /** Whether the store has answered before: then its credentials were good, and failing to renew them is an outage. */
  readonly history: { answered: boolean }
  readonly credentials: CredentialsRenewal
  readonly checksums: WriteChecksums
}

export function createLink(options: ResolvedS3StoreOptions): Link {
  const client = options.client ?? createS3Client(options)
  return {
    client,
    options,
    description: describePlace(options),
    history: { answered: false },
    credentials: new CredentialsRenewal(client, options.clock),
    checksums: new WriteChecksums(),
  }
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
  let signed: SignedHeaders = {}
  const tried = new Set<Remedy>()
  watch(command.middlewareStack, (headers, seen) => {
    signed = headers
    head = seen
    link.history.answered = true
  })
  const failureOf = (error: unknown): Failure =>
    readFailure(error, { head, clock, answeredBefore: link.history.answered })
  /** Whether a request that failed with `error` should be sent once more. Rejects if new credentials cannot be had. */
  const isWorthRepeating = async (error: unknown): Promise<boolean> => {
    if (!mayBeRefusal(head?.status)) return false
    const remedy = remediesFor(failureOf(error)).find((one) => !tried.has(one))
    if (remedy === undefined) return false
    tried.add(remedy)
    if (remedy === 'corrected-clock') return true
    // From here on the answer is that of the credentials' provider: it has no head.
    const refused = head
    head = undefined
    const isRenewed = await link.credentials.renew(signed)
    head = refused
    return isRenewed
  }
  const send = async (deadline: Deadline): Promise<O> => {
    while (true) {
      try {
        return await link.client.send(command, { abortSignal: deadline.signal })
      } catch (error) {
        if (!(await isWorthRepeating(error))) throw error
        deadline.signal.throwIfAborted()
        head = undefined
      }
    }
  }
  try {
    const value = await withDeadline({ clock, timeoutMs: requestTimeoutMs, bytes, signal }, async (deadline) =>
      read(await send(deadline), deadline),
    )
    return { ok: true, value, storeTimeMs: readStoreTimeMs(head) }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    return { ok: false, failure: failureOf(error) }
  }
}

/** Disables the SDK's retries for a command, and reports the headers it was signed with and the head of its answer before anything else reads them. */
function watch<I extends object, O extends object>(
  stack: MiddlewareStack<I, O>,
  onHead: (signed: SignedHeaders, head: ResponseHead) => void,
): void {
  stack.add((next) => next, { step: 'finalizeRequest', priority: 'high', name: 'retryMiddleware', override: true })
  stack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { statusCode, headers } = result.response as { statusCode: number; headers: Record<string, string> }
      const { headers: signed } = args.request as { headers: Record<string, string> }
      onHead(signed, { status: statusCode, headers })
      return result
    },
    { step: 'deserialize', priority: 'low', name: 's3queueResponseHead' },
  )
}
