/** The one error that this package and the plugin throw: what went wrong, whether to try again, and what to do. */
import { PluginError } from 's3db.js'

export interface QueueErrorDetails {
  /** As in HTTP. */
  readonly statusCode: number
  /** Default false. */
  readonly retriable?: boolean
  /** What to do about it. */
  readonly suggestion: string
  /** What it is about: names, ids. */
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly operation?: string
  readonly cause?: unknown
}

const DOCS = 'https://www.npmjs.com/package/@s3queue/plugin'

/** A `PluginError` of s3db.js, so `error instanceof PluginError` holds too. */
export class QueueError extends PluginError {
  declare readonly statusCode: number
  declare readonly retriable: boolean
  declare readonly suggestion: string
  declare readonly docs: string
  declare readonly metadata: Readonly<Record<string, unknown>>

  constructor(message: string, details: QueueErrorDetails) {
    const { statusCode, retriable = false, suggestion, metadata = {}, operation = 'queue', cause } = details
    super(message, {
      ...{ pluginName: 'S3QueuePlugin', operation, statusCode, retriable, suggestion, docs: DOCS },
      ...{ description: `${message} ${suggestion}`, metadata: { ...metadata } },
    })
    this.name = 'QueueError'
    Object.assign(this, { metadata })
    if (cause !== undefined) this.cause = cause
  }

  /** All of it as plain data, for telemetry. */
  override toJSON(): ReturnType<PluginError['toJSON']> & Record<string, unknown> {
    const { name, message, statusCode, retriable, suggestion, docs, metadata, operation } = this
    return { name, message, statusCode, retriable, suggestion, docs, metadata: { ...metadata }, operation }
  }

  /** The same by another name. */
  toJson(): Record<string, unknown> {
    return this.toJSON()
  }
}
