/** The records that messages stand for: reading and writing those of one resource, with every answer that matters told apart. */
import type { Ids } from '@s3queue/storage'
import type { RecordData, S3dbRecord, S3dbResource } from './database.ts'
import { classifyLibraryError } from './library-error.ts'

export type ReadRecord =
  | { readonly outcome: 'found'; readonly record: S3dbRecord }
  | { readonly outcome: 'missing' }
  /** The store did not say: read again later. */
  | { readonly outcome: 'unavailable'; readonly error: unknown }
  /** It is there, and the library cannot hand it out: a hook throws, or what is stored makes no sense. */
  | { readonly outcome: 'unreadable'; readonly error: unknown }

export type InsertRecord =
  | { readonly outcome: 'inserted'; readonly record: S3dbRecord }
  | { readonly outcome: 'exists' }

/** Of a resource, as far as the library has it. */
interface IdSource {
  readonly idGenerator?: ((data?: RecordData) => unknown) | undefined
  readonly idGeneratorType?: unknown
}

export class Records {
  readonly #resource: S3dbResource & IdSource
  readonly #ids: Ids

  constructor(resource: S3dbResource, ids: Ids) {
    this.#resource = resource
    this.#ids = ids
  }

  /** An id as the resource would make it. Needed before the insert, as a schema may say `id: 'string|required'`. */
  async newId(data: RecordData): Promise<string> {
    const { idGenerator, idGeneratorType } = this.#resource
    if (typeof idGenerator !== 'function') return this.#ids.ulid()
    const id = await (idGeneratorType === 'custom' ? idGenerator(data) : idGenerator())
    return typeof id === 'string' && id.trim() !== '' ? id : this.#ids.ulid()
  }

  /** Creates the record, or finds that there is one. Rejects with the library's error if the schema refuses it. */
  async insert(data: RecordData): Promise<InsertRecord> {
    try {
      return { outcome: 'inserted', record: await this.#resource.insert(data) }
    } catch (error) {
      if (classifyLibraryError(error) === 'exists') return { outcome: 'exists' }
      throw error
    }
  }

  /** Never rejects. */
  read(id: string): Promise<ReadRecord> {
    return readRecord(this.#resource, id)
  }

  /** Changes what differs, if anything does; resolves to the record as it is now. */
  async change(record: S3dbRecord, data: RecordData): Promise<S3dbRecord> {
    const changes = Object.entries(data).filter(([field, value]) => field !== 'id' && !isSame(record[field], value))
    if (changes.length === 0) return record
    return this.#resource.update(record.id, Object.fromEntries(changes))
  }

  async remove(id: string): Promise<void> {
    await this.#resource.delete(id)
  }
}

/** As it is in the store, whatever a cache of the database says: another process may have changed it. Never rejects. */
export async function readRecord(resource: S3dbResource, id: string): Promise<ReadRecord> {
  try {
    return { outcome: 'found', record: await resource.get(id, { skipCache: true }) }
  } catch (error) {
    const kind = classifyLibraryError(error)
    if (kind === 'missing') return { outcome: 'missing' }
    return { outcome: kind === 'unavailable' ? 'unavailable' : 'unreadable', error }
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** What the library adds to a record when it hands it out. */
const ADDED =
  /^(_(etag|v|lastModified|hasContent|contentLength|mimeType|versionId|expiresAt|definitionHash|originalVersion|versionMapped|partition|partitionValues|queryFailed)|metadata_.*)$/

/** A record's own attributes: what can be inserted again. */
export function ownAttributes(record: RecordData): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([field, value]) => !ADDED.test(field) && value !== undefined),
  )
}

/** What the library says of a record beside its attributes, without the underscores. */
export function metadataOf(record: RecordData): Record<string, unknown> {
  const added = Object.entries(record).filter(
    ([field, value]) => field.startsWith('_') && ADDED.test(field) && value !== undefined,
  )
  return Object.fromEntries(added.map(([field, value]) => [field.slice(1), value]))
}
