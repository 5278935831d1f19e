/**
 * Lists keys in byte order behind a given one. Filters and sorts by itself as well, because servers differ: some ignore
 * `start-after`, some sort by their own rules. What no caller of this store can have written (the "folders" that consoles
 * make) is left out.
 */
import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { type ListEntry, type ListOptions, type ListResult, resolveListOptions } from '@s3queue/storage'
import { attemptAt } from './attempt.ts'
import { exchange, type Link } from './exchange.ts'
import { toStoreError } from './store-error.ts'

export async function listObjects(link: Link, options: ListOptions): Promise<ListResult> {
  const { bucket, keyPrefix } = link.options
  const { prefix, startAfter, limit, signal } = resolveListOptions(options)
  let token: string | undefined
  while (true) {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: keyPrefix + prefix,
      MaxKeys: limit,
      ...(startAfter === undefined ? {} : { StartAfter: keyPrefix + startAfter }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    const reply = await exchange(link, command, { signal }, readPage)
    if (!reply.ok) throw toStoreError(reply.failure, attemptAt(link, 'ListObjectsV2', keyPrefix + prefix || undefined))
    const page = reply.value
    const entries = page.entries.flatMap((entry) => relativeEntry(entry, keyPrefix, startAfter)).sort(byKey)
    // A page of nothing but keys that were filtered out says nothing yet about those behind them.
    token = entries.length === 0 ? page.nextToken : undefined
    if (token !== undefined) continue
    return {
      entries: entries.slice(0, limit),
      truncated: page.truncated || entries.length > limit,
      storeTimeMs: reply.storeTimeMs,
    }
  }
}

interface Page {
  readonly entries: readonly ListEntry[]
  readonly truncated: boolean
  readonly nextToken: string | undefined
}

function readPage(output: ListObjectsV2CommandOutput): Page {
  const { Contents = [], IsTruncated, KeyCount, Name, NextContinuationToken } = output
  if (IsTruncated === undefined && KeyCount === undefined && Name === undefined) {
    // The SDK reads any text as an empty list: an error page must not look like an empty queue.
    throw new Error('a list without a name or a count: is that an S3 server, with nothing in between?')
  }
  const entries = Contents.map(({ Key = '', Size = 0 }) => ({ key: Key, size: Size }))
  return { entries, truncated: IsTruncated === true, nextToken: NextContinuationToken }
}

function relativeEntry(entry: ListEntry, keyPrefix: string, startAfter: string | undefined): ListEntry[] {
  const key = entry.key.slice(keyPrefix.length)
  if (key === '' || key.endsWith('/')) return []
  if (startAfter !== undefined && key <= startAfter) return []
  return [{ key, size: entry.size }]
}

function byKey(a: ListEntry, b: ListEntry): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
