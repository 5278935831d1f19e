/**
 * Writes one object if its condition holds. Sorts answers into done, not done, and nobody knows; what is certain not to
 * have happened and will not change by itself is thrown.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { assertKey, type PutCondition, type PutOptions, type PutResult, UnknownOutcome } from '@s3queue/storage'
import { attemptAt } from './attempt.ts'
import { exchange, type Link, type Reply } from './exchange.ts'
import type { Failure } from './failure.ts'
import { toStoreError } from './store-error.ts'

export async function putObject(link: Link, key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
  const { keyPrefix } = link.options
  const objectKey = keyPrefix + key
  assertKey(objectKey)
  const { condition } = options
  const first = await sendPut(link, objectKey, body, options)
  const reply = first.isWorthRepeating ? (await sendPut(link, objectKey, body, options)).reply : first.reply
  if (reply.ok) return { outcome: 'stored', etag: reply.value, storeTimeMs: reply.storeTimeMs }
  const { failure } = reply
  const { storeTimeMs, retryAfterMs } = failure
  if (isPreconditionFailed(failure, condition)) return { outcome: 'precondition-failed', storeTimeMs }
  const cause = toStoreError(failure, attemptAt(link, 'PutObject', objectKey))
  if (!cause.retriable) throw cause
  const message = `${cause.message} Whether the write took place is not known: read the object to find out.`
  return {
    outcome: 'unknown',
    error: new UnknownOutcome(message, { cause, key: objectKey, retryAfterMs }),
    storeTimeMs,
  }
}

interface SentPut {
  readonly reply: Reply<string>
  /** The bucket refused the write for want of a checksum, which the next request has. */
  readonly isWorthRepeating: boolean
}

async function sendPut(
  link: Link,
  objectKey: string,
  body: Uint8Array,
  { condition, signal }: PutOptions,
): Promise<SentPut> {
  const { bucket, quoteETags } = link.options
  const checksum = link.checksums.parametersFor(body)
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: objectKey,
    Body: body,
    ContentLength: body.byteLength,
    ...conditionHeaders(condition, quoteETags),
    ...checksum,
  })
  const reply = await exchange(link, command, { signal, bytes: body.byteLength }, ({ ETag }) => {
    if (ETag === undefined) throw new Error('a write without an ETag: is that an S3 server, with nothing in between?')
    return ETag
  })
  return { reply, isWorthRepeating: !reply.ok && link.checksums.learnFrom(reply.failure, checksum) }
}

function conditionHeaders(condition: PutCondition, quoteETags: boolean): { IfNoneMatch?: string; IfMatch?: string } {
  switch (condition.kind) {
    case 'create':
      return { IfNoneMatch: '*' }
    case 'if-match':
      return { IfMatch: quoteETags ? condition.etag : condition.etag.replace(/^"(.*)"$/, '$1') }
    case 'overwrite':
      return {}
  }
}

/** A version of an object that is gone cannot match: some servers say 412 (SeaweedFS, Ceph), some 404 (AWS, MinIO). */
function isPreconditionFailed({ status, code }: Failure, condition: PutCondition): boolean {
  if (status === 412) return condition.kind !== 'overwrite'
  return status === 404 && code === 'NoSuchKey' && condition.kind === 'if-match'
}
