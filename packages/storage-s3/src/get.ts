/** Reads one object, whole or not at all. */
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { assertKey, type GetOptions, type GetResult, ObjectTooLarge } from '@s3queue/storage'
import { attemptAt } from './attempt.ts'
import type { Deadline } from './deadline.ts'
import { exchange, type Link } from './exchange.ts'
import { toStoreError } from './store-error.ts'

export async function getObject(link: Link, key: string, options: GetOptions = {}): Promise<GetResult> {
  const { bucket, keyPrefix } = link.options
  const objectKey = keyPrefix + key
  assertKey(objectKey)
  const { ifNoneMatch, maxBytes = Number.POSITIVE_INFINITY, signal } = options
  const condition = ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }
  const command = new GetObjectCommand({ Bucket: bucket, Key: objectKey, ...condition })
  const read = (output: GetObjectCommandOutput, deadline: Deadline): Promise<ReadBody> =>
    readObject(output, deadline, maxBytes)
  const reply = await exchange(link, command, { signal }, read)
  if (reply.ok) {
    const { body, etag, size } = reply.value
    if (size > maxBytes) throw new ObjectTooLarge(key, size, maxBytes, link.description)
    return { outcome: 'found', body, etag, storeTimeMs: reply.storeTimeMs }
  }
  const { failure } = reply
  const { storeTimeMs } = failure
  if (failure.status === 304 && ifNoneMatch !== undefined) return { outcome: 'not-modified', storeTimeMs }
  if (failure.status === 404 && failure.code === 'NoSuchKey') return { outcome: 'not-found', storeTimeMs }
  throw toStoreError(failure, attemptAt(link, 'GetObject', objectKey))
}

interface ReadBody {
  /** Empty if the body is too large. */
  readonly body: Uint8Array
  readonly etag: string
  readonly size: number
}

async function readObject(output: GetObjectCommandOutput, deadline: Deadline, maxBytes: number): Promise<ReadBody> {
  const { Body, ContentLength, ETag } = output
  if (ETag === undefined) throw new Error('an object without an ETag: is that an S3 server, with nothing in between?')
  if (ContentLength !== undefined && ContentLength > maxBytes) {
    // Closes the connection: reading the rest would take as long as the object is large.
    await Body?.transformToWebStream().cancel()
    return { body: new Uint8Array(), etag: ETag, size: ContentLength }
  }
  if (ContentLength !== undefined) deadline.allow(ContentLength)
  const body = (await Body?.transformToByteArray()) ?? new Uint8Array()
  if (ContentLength !== undefined && body.byteLength !== ContentLength) {
    throw new Error(`the body broke off after ${body.byteLength} of ${ContentLength} bytes`)
  }
  return { body, etag: ETag, size: body.byteLength }
}
