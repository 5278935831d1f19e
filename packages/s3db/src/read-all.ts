/**
 * Every record of a resource. The library's own `list` and `listIds` end after a thousand unless they are told otherwise, and `list` leaves out what it
 * could not read, without a word.
 */
import type { S3dbResource } from './database.ts'
import { type ReadRecord, readRecord } from './records.ts'

const PAGE = 1000
/** Records that are read at once. */
const AT_ONCE = 50

/** In the order of the store. */
export async function allIds(resource: S3dbResource): Promise<string[]> {
  const ids: string[] = []
  for (let size = PAGE; size === PAGE; ) {
    const page = await resource.listIds({ limit: PAGE, offset: ids.length, skipCache: true })
    ids.push(...page)
    size = page.length
  }
  return ids
}

/** All ids first, so whoever goes through them may delete; then each record, or what stood in the way. */
export async function* readAll(
  resource: S3dbResource,
): AsyncIterable<{ readonly id: string; readonly read: ReadRecord }> {
  const ids = await allIds(resource)
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    yield* await Promise.all(
      ids.slice(from, from + AT_ONCE).map(async (id) => ({ id, read: await readRecord(resource, id) })),
    )
  }
}
