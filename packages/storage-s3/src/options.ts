/**
 * The options of an S3 store: their defaults, their checks, and what the rest of the package gets to see of them.
 * What cannot keep the port's promises (directory buckets, multi-region access points) is turned away here.
 */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import {
  assertKnownKeys,
  type Clock,
  InvalidOption,
  isKeySegment,
  numberOption,
  systemClock,
  UnsupportedStore,
} from '@s3queue/storage'

/** When the SDK adds or checks a checksum: with every request that can carry one, or only where S3 demands it. */
export type ChecksumPolicy = 'WHEN_REQUIRED' | 'WHEN_SUPPORTED'

/** What a store in a bucket can be told. Only `bucket` must be given. */
export interface S3StoreOptions {
  /** The bucket. It must be there: see `createBucket`. */
  readonly bucket: string
  /** Where in the bucket the store begins, such as `team-a/queues`; a slash at the end makes no difference. Default: the whole bucket. */
  readonly prefix?: string | undefined
  /** Default: what the SDK finds (`AWS_REGION`, the profile); `us-east-1` when an `endpoint` is given. */
  readonly region?: string | undefined
  /** `http://` or `https://` address of a server other than AWS, without credentials in it. Default: AWS, or what `AWS_ENDPOINT_URL_S3` says. */
  readonly endpoint?: string | undefined
  /**
   * Keys, or a function that gets them. It is called again when the `expiration` that it returned comes near, and when the store refuses
   * the session. Default: the SDK's chain (environment, profile, SSO, web identity, container, instance).
   */
  readonly credentials?: S3ClientConfig['credentials'] | undefined
  /** Put the bucket into the path rather than the host name. Default: true when an `endpoint` is given. */
  readonly forcePathStyle?: boolean | undefined
  /**
   * A client of your own, for settings that are not options here (a proxy, certificates, a logger). Its retries are not
   * used, and it stays yours: `destroy()` leaves it open. Excludes the options that would configure a client.
   */
  readonly client?: S3Client | undefined
  /**
   * How long one request may take from the call to the last byte of its answer, plus 1 ms for each KiB of body, so that
   * a line of 1 MiB/s carries bodies of any size. Default 10,000.
   */
  readonly requestTimeoutMs?: number | undefined
  /** How long opening a connection may take, TLS included. Default 3,000. */
  readonly connectTimeoutMs?: number | undefined
  /** Connections that are open at most; further requests wait for one. Default 64. */
  readonly maxConnections?: number | undefined
  /**
   * How long a connection stays open while it is not used, in ms. A queue polls more often than the default, and so keeps one. Default 10,000.
   */
  readonly idleTimeoutMs?: number | undefined
  /**
   * Default `WHEN_REQUIRED`: SigV4 signs the SHA-256 of the body already, and several servers refuse or ignore the newer
   * checksum headers. A bucket that demands a checksum (object lock) gets one once it has refused a write for want of it. The SDK's own
   * default is `WHEN_SUPPORTED`.
   */
  readonly requestChecksumCalculation?: ChecksumPolicy | undefined
  /** Default `WHEN_REQUIRED`, for the same reason; the length of a body is always checked against `Content-Length`. */
  readonly responseChecksumValidation?: ChecksumPolicy | undefined
  /** Send ETags in `If-Match` with the quotes the server gave them. Default true; Ceph RGW 16 compares them without. */
  readonly quoteETags?: boolean | undefined
  /** Measures the time-outs, and dates in `Retry-After`. Default: the machine's clock. */
  readonly clock?: Clock | undefined
}

export interface ResolvedS3StoreOptions {
  readonly bucket: string
  /** Empty, or ends in a slash. */
  readonly keyPrefix: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentials: S3ClientConfig['credentials'] | undefined
  readonly forcePathStyle: boolean
  readonly client: S3Client | undefined
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxConnections: number
  readonly idleTimeoutMs: number
  readonly requestChecksumCalculation: ChecksumPolicy
  readonly responseChecksumValidation: ChecksumPolicy
  readonly quoteETags: boolean
  readonly clock: Clock
}

const OWNER = 'createS3Store'

/** Options that configure a client, and so make no sense beside a ready one. */
const CLIENT_OPTIONS = [
  'region',
  'endpoint',
  'credentials',
  'forcePathStyle',
  'connectTimeoutMs',
  'maxConnections',
  'idleTimeoutMs',
  'requestChecksumCalculation',
  'responseChecksumValidation',
] as const satisfies readonly (keyof S3StoreOptions)[]

const KNOWN: readonly (keyof S3StoreOptions)[] = [
  'bucket',
  'prefix',
  ...CLIENT_OPTIONS,
  'client',
  'requestTimeoutMs',
  'quoteETags',
  'clock',
]

/** Options with their defaults filled in. Throws `InvalidOption`, and `UnsupportedStore` for buckets that cannot keep the port's promises. */
export function resolveS3StoreOptions(options: S3StoreOptions): ResolvedS3StoreOptions {
  assertKnownKeys(OWNER, options, KNOWN)
  assertNoClientOptionsBesideClient(options)
  const { endpoint, client } = options
  assertBucket(options.bucket)
  if (endpoint !== undefined) assertEndpoint(endpoint)
  return {
    bucket: options.bucket,
    keyPrefix: resolvePrefix(options.prefix ?? ''),
    region: options.region ?? (endpoint === undefined ? undefined : 'us-east-1'),
    endpoint,
    credentials: options.credentials,
    forcePathStyle: booleanOption('forcePathStyle', options.forcePathStyle, endpoint !== undefined),
    client,
    requestTimeoutMs: numberOption(OWNER, 'requestTimeoutMs', options.requestTimeoutMs, 10_000, { min: 1 }),
    connectTimeoutMs: numberOption(OWNER, 'connectTimeoutMs', options.connectTimeoutMs, 3_000, { min: 1 }),
    maxConnections: numberOption(OWNER, 'maxConnections', options.maxConnections, 64, { min: 1, integer: true }),
    idleTimeoutMs: numberOption(OWNER, 'idleTimeoutMs', options.idleTimeoutMs, 10_000, { min: 1, integer: true }),
    requestChecksumCalculation: checksumPolicy('requestChecksumCalculation', options.requestChecksumCalculation),
    responseChecksumValidation: checksumPolicy('responseChecksumValidation', options.responseChecksumValidation),
    quoteETags: booleanOption('quoteETags', options.quoteETags, true),
    clock: options.clock ?? systemClock,
  }
}

/** The place in words, without anything secret: `s3://bucket/prefix`, with the address of a server other than AWS behind it. */
export function describePlace(options: ResolvedS3StoreOptions): string {
  const path = options.keyPrefix === '' ? '' : `/${options.keyPrefix.slice(0, -1)}`
  const server = options.endpoint === undefined ? '' : ` (${options.endpoint})`
  return `s3://${options.bucket}${path}${server}`
}

function assertNoClientOptionsBesideClient(options: S3StoreOptions): void {
  if (options.client === undefined) return
  for (const option of CLIENT_OPTIONS) {
    if (options[option] === undefined) continue
    throw new InvalidOption(OWNER, option, 'cannot be given beside "client": set it on that client.')
  }
}

function assertBucket(bucket: string): void {
  if (typeof bucket !== 'string' || !/^(arn:[\w:./-]+|[\w.-]+)$/.test(bucket)) {
    throw new InvalidOption(OWNER, 'bucket', `must be the name of a bucket, not ${JSON.stringify(bucket)}.`)
  }
  if (bucket.endsWith('--x-s3')) {
    throw new UnsupportedStore(
      `The bucket ${bucket} is an S3 directory bucket: its lists have no order and no start-after. Use a general purpose bucket.`,
    )
  }
  if (bucket.endsWith('.mrap')) {
    throw new UnsupportedStore(
      `${bucket} is a multi-region access point: what is written in one region shows up later in another. Use a bucket in one region.`,
    )
  }
}

/** Never repeats the value: it may hold a secret. */
function assertEndpoint(endpoint: string): void {
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidOption(OWNER, 'endpoint', 'must be an address that begins with http:// or https://.')
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidOption(
      OWNER,
      'endpoint',
      'must not hold credentials: use the option "credentials", or parseS3Url.',
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidOption(OWNER, 'endpoint', 'must have nothing behind its path.')
  }
}

function resolvePrefix(prefix: string): string {
  const path = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  if (prefix === '') return ''
  if (path.split('/').every(isKeySegment)) return `${path}/`
  throw new InvalidOption(
    OWNER,
    'prefix',
    `must be segments of A-Z a-z 0-9 . _ = @ + , - that do not begin with a dot, joined by single slashes, not ${JSON.stringify(prefix)}.`,
  )
}

function booleanOption(option: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw new InvalidOption(OWNER, option, `must be true or false, not ${String(value)}.`)
}

function checksumPolicy(option: string, value: ChecksumPolicy | undefined): ChecksumPolicy {
  if (value === undefined) return 'WHEN_REQUIRED'
  if (value === 'WHEN_REQUIRED' || value === 'WHEN_SUPPORTED') return value
  throw new InvalidOption(OWNER, option, `must be WHEN_REQUIRED or WHEN_SUPPORTED, not ${String(value)}.`)
}
