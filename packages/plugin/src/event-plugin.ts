/** A plugin of s3db.js whose events have types by their names, and whose listeners harm nothing when they throw. */
import { systemContexts } from '@s3queue/storage'
import { Plugin } from 's3db.js'
import type { S3QueueEventName, S3QueueEvents } from './events.ts'

export abstract class EventPlugin extends Plugin {
  /** Whether every event is logged. */
  protected abstract readonly logsEvents: boolean

  override on<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override on(name: string | symbol, listener: (...args: never[]) => void): this
  override on(name: string | symbol, listener: (...args: never[]) => void): this {
    return super.on(name, inThisContext(listener))
  }

  override once<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override once(name: string | symbol, listener: (...args: never[]) => void): this
  override once(name: string | symbol, listener: (...args: never[]) => void): this {
    const once = inThisContext((...args: never[]): void => {
      super.off(name, once)
      listener.apply(this, args)
    })
    once.listener = listener
    return super.on(name, once)
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

type Listener = (...args: never[]) => unknown

/** Calls `listener` in the caller's async context. Node finds a listener to remove by the field `listener`, too. */
function inThisContext(listener: Listener): { (...args: unknown[]): void; listener: Listener } {
  const context = systemContexts.capture()
  const bound = function (this: unknown, ...args: unknown[]): void {
    context.run(() => listener.apply(this, args as never[]))
  }
  return Object.assign(bound, { listener })
}
