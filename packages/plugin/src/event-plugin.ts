/** A plugin of s3db.js whose events have types by their names, and whose listeners harm nothing when they throw. */
import { Plugin } from 's3db.js'
import type { S3QueueEventName, S3QueueEvents } from './events.ts'

export abstract class EventPlugin extends Plugin {
  /** Whether every event is logged. */
  protected abstract readonly logsEvents: boolean

  override on<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override on(name: string | symbol, listener: (...args: never[]) => void): this
  override on(name: string | symbol, listener: (...args: never[]) => void): this {
    return super.on(name, listener as (...args: unknown[]) => void)
  }

  override once<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override once(name: string | symbol, listener: (...args: never[]) => void): this
  override once(name: string | symbol, listener: (...args: never[]) => void): this {
    return super.once(name, listener as (...args: unknown[]) => void)
  }

  override off<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override off(name: string | symbol, listener: (...args: never[]) => void): this
  override off(name: string | symbol, listener: (...args: never[]) => void): this {
    return super.off(name, listener as (...args: unknown[]) => void)
  }

  protected tell<N extends S3QueueEventName>(name: N, event: S3QueueEvents[N]): void {
    if (this.logsEvents) this.logger.info({ event: { ...event } }, name)
    try {
      this.emit(name, event)
    } catch (error) {
      this.logger.error(`A listener of "${name}" threw: ${String(error)}`)
    }
  }
}
