/** A running S3 server, wherever it came from. */
export interface S3Server {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Where it came from, in words: `the container engine (quay.io/minio/minio:…)`. */
  readonly source: string
  /** Ends it and removes its data; does nothing to a server that was there before. */
  stop(): Promise<void>
}

/** No way to a server led anywhere. The message lists the ways that were tried and what would help. */
export class NoS3Server extends Error {
  constructor(tried: readonly string[]) {
    super(
      `No S3 server for the tests. Tried: ${tried.join('; ')}. Set E2E_S3_ENDPOINT, or start a container engine, or set MINIO_BIN, or ` +
        'put minio on the PATH, or install Go (MinIO is then built once, in a few minutes).',
    )
    this.name = 'NoS3Server'
  }
}

/** What a way to a server needs to know. */
export interface StartOptions {
  readonly env: NodeJS.ProcessEnv
  /** Takes a line about something that takes a while. */
  readonly log: (line: string) => void
}

/** One way to a server: gives it, or says in a few words why it cannot. */
export type WayToServer = (options: StartOptions) => Promise<S3Server | string>
