/** `get`, and the size of one object for `list`. See `current.ts` for why what they answer was true at one moment of the call. */
import { type ETag, type GetOptions, ObjectTooLarge, StoreUnavailable } from '@s3queue/storage'
import { type Current, findCurrent, isAlive, MAX_ATTEMPTS } from './current.ts'
import { type FileSystem, unless } from './file-system.ts'
import { formatETag, objectPath, sparePath, versionName, versionsPath } from './layout.ts'
import { type OpenRecord, openRecord } from './record.ts'
import type { Settling } from './settling.ts'

export interface ReadContext {
  readonly fs: FileSystem
  /** The directory of the store. */
  readonly root: string
  readonly settling: Settling
}

export type ReadResult =
  | { readonly outcome: 'found'; readonly body: Uint8Array; readonly etag: ETag }
  | { readonly outcome: 'not-modified' }
  | { readonly outcome: 'not-found' }

/** The current version of `key`. */
export function read(
  context: ReadContext,
  key: string,
  { ifNoneMatch, maxBytes = Number.POSITIVE_INFINITY }: Pick<GetOptions, 'ifNoneMatch' | 'maxBytes'>,
): Promise<ReadResult> {
  return visit<ReadResult>(context, key, {
    absent: { outcome: 'not-found' },
    unless: (etag) => (etag === ifNoneMatch ? { outcome: 'not-modified' } : undefined),
    use: async (record, etag) => {
      const { length } = record.head
      if (length > maxBytes) throw new ObjectTooLarge(key, length, maxBytes, `file://${context.root}`)
      return { outcome: 'found', body: await record.body(), etag }
    },
  })
}

/** Bytes of the current body of `key`; undefined if there is no such object. */
export function readSize(context: ReadContext, key: string): Promise<number | undefined> {
  return visit<number | undefined>(context, key, {
    absent: undefined,
    unless: () => undefined,
    use: async (record) => record.head.length,
  })
}

interface Visitor<T> {
  readonly absent: T
  /** An answer that needs no more than the ETag; undefined to open the record. */
  unless(etag: ETag): T | undefined
  use(record: OpenRecord, etag: ETag): Promise<T>
}

const AGAIN = Symbol('again')

async function visit<T>(context: ReadContext, key: string, visitor: Visitor<T>): Promise<T> {
  const path = objectPath(context.root, key)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const birth = await openRecord(context.fs, path, key)
    if (birth === undefined) return visitor.absent
    try {
      const answer = await visitBorn(context, birth, visitor)
      if (answer !== AGAIN) return answer
    } finally {
      await birth.close()
    }
  }
  throw new StoreUnavailable(
    `The object ${JSON.stringify(key)} changed ${MAX_ATTEMPTS} times while it was read, or the directory with its versions (beside ${path}) is damaged.`,
    { key },
  )
}

async function visitBorn<T>(context: ReadContext, birth: OpenRecord, visitor: Visitor<T>): Promise<T | typeof AGAIN> {
  const { fs } = context
  const versions = versionsPath(birth.path, birth.head.nonce)
  const current = await findCurrent(fs, versions)
  if (current.kind === 'moving' || !(await isAlive(fs, birth))) return AGAIN
  const etag = formatETag(birth.head.nonce, current.kind === 'version' ? current.version : undefined)
  const early = visitor.unless(etag)
  if (early !== undefined) return early
  return useCurrent(context, birth, versions, current, (record) => visitor.use(record, etag))
}

async function useCurrent<T>(
  context: ReadContext,
  birth: OpenRecord,
  versions: string,
  current: Exclude<Current, { kind: 'moving' }>,
  use: (record: OpenRecord) => Promise<T>,
): Promise<T | typeof AGAIN> {
  if (current.kind === 'birth') {
    await settleRecord(context, birth)
    return use(birth)
  }
  const record = await openRecord(context.fs, `${versions}/${versionName(current.version)}`, birth.head.key)
  if (record === undefined) return AGAIN
  try {
    await settleRecord(context, record)
    return await use(record)
  } finally {
    await record.close()
  }
}

/**
 * What a reader has seen must not be lost in a power failure either. A writer removes the spare name of its record once the record
 * is durable; as long as that name is there, the reader makes sure by itself, and removes it for the next one.
 */
export async function settleRecord({ fs, root, settling }: ReadContext, record: OpenRecord): Promise<void> {
  if (!settling.durable || record.facts.links < 2) return
  const spare = sparePath(root, record.head.nonce)
  if ((await unless(['ENOENT'], fs.facts(spare))) === undefined) return
  await settling.settle(record.path.slice(0, record.path.lastIndexOf('/')))
  await fs.unlink(spare).catch(() => {})
}
