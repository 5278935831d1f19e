/**
 * What this package needs of s3db.js, by shape alone: so it has no import of the library, and takes whatever a database really has.
 * The real `Database` and `Resource` fit.
 */

/** A record as the library hands it out: its attributes, and what begins with an underscore (`_etag`, `_v`, …). */
export interface S3dbRecord {
  readonly id: string
  readonly [field: string]: unknown
}

export type RecordData = Readonly<Record<string, unknown>>

/** What the cache of s3db.js takes, if there is one: not to answer itself. */
export interface Uncached {
  readonly skipCache?: boolean
}

export interface S3dbResource {
  readonly name: string
  insert(data: RecordData): Promise<S3dbRecord>
  get(id: string, options?: Uncached): Promise<S3dbRecord>
  update(id: string, changes: RecordData): Promise<S3dbRecord>
  delete(id: string): Promise<unknown>
  deleteMany(ids: string[]): Promise<unknown>
  listIds(options?: Uncached & { limit?: number; offset?: number }): Promise<string[]>
  list(options?: Uncached & { limit?: number; offset?: number }): Promise<S3dbRecord[]>
  count(options?: Uncached): Promise<number>
}

/** The client of a database: where its objects are. */
export interface S3dbClient {
  readonly config: {
    readonly bucket?: string | undefined
    readonly keyPrefix?: string | undefined
    readonly region?: string | undefined
    readonly endpoint?: string | undefined
    readonly forcePathStyle?: boolean | undefined
    readonly accessKeyId?: string | undefined
    readonly secretAccessKey?: string | undefined
    readonly sessionToken?: string | undefined
  }
  /** Of a client for `file://`. */
  readonly basePath?: string | undefined
  /** Of a client for `memory://`: shared by all databases of one bucket. */
  readonly storage?: object | undefined
}

export interface S3dbDatabase {
  readonly client: S3dbClient
  /** By name. What is put in here is reachable as `db.resources.<name>`. */
  readonly resources: Readonly<Record<string, S3dbResource | undefined>>
  createResource(definition: {
    name: string
    attributes: Readonly<Record<string, string>>
    behavior: string
    timestamps: boolean
  }): Promise<S3dbResource>
}
