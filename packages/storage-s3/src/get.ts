/** Reads one object, whole or not at all. */
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { assertKey, type GetOptions, type GetResult } from '@s3queue/storage'
import { attemptAt } from './attempt.ts'
import type { Deadline } from './deadline.ts'
import { exchange, type Link } from './exchange.ts'
import { toStoreError } from './store-error.ts'

export async function getObject(link: Link, key: string, options: GetOptions = {}): Promise<GetResult> {
  const { bucket, keyPrefix } = link.options
  const objectKey = keyPrefix + key
  assertKey(objectKey)
  const { ifNoneMatch, signal } = options
  const condition = ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }
  const command = new GetObjectCommand({ Bucket: bucket, Key: objectKey, ...condition })
  const reply = await exchange(link, command, { signal }, readObject)
  if (reply.ok) return { outcome: 'found', ...reply.value, storeTimeMs: reply.storeTimeMs }
  const { failure } = reply
  const { storeTimeMs } = failure
  if (failure.status === 304 && ifNoneMatch !== undefined) return { outcome: 'not-modified', storeTimeMs }
  if (failure.status === 404 && failure.code === 'NoSuchKey') return { outcome: 'not-found', storeTimeMs }
  throw toStoreError(failure, attemptAt(link, 'GetObject', objectKey))
}

async function readObject(
  output: GetObjectCommandOutput,
  deadline: Deadline,
): Promise<{ readonly body: Uint8Array; readonly etag: string }> {
  const { Body, ContentLength, ETag } = output
  if (ContentLength !== undefined) deadline.allow(ContentLength)
  const body = (await Body?.transformToByteArray()) ?? new Uint8Array()
  if (ContentLength !== undefined && body.byteLength !== ContentLength) {
    throw new Error(`the body broke off after ${body.byteLength} of ${ContentLength} bytes`)
  }
  if (ETag === undefined) throw new Error('an object without an ETag: is that an S3 server, with nothing in between?')
  return { body, etag: ETag }
}
