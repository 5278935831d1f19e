/**
 * Async contexts as an injected port: what `AsyncLocalStorage` stores return, which tenants, transactions and trace parents depend on.
 *
 * A queue works for many callers at once. Without this port its handlers, timers and requests to the store would inherit the context of
 * whichever call happened to start them, and keep it for as long as the process lives.
 */

export interface CapturedContext {
  /** Calls `callback` in this context and returns its result. */
  run<A extends readonly unknown[], R>(callback: (...args: A) => R, ...args: A): R
}

export interface AsyncContexts {
  /** The context of no caller: the one in which this package was imported. For work that outlives the call that starts it. */
  readonly outside: CapturedContext
  /** The caller's context. `mark`: `isWithin(mark)` is true in it, and in everything that is started from it. */
  capture(mark?: object): CapturedContext
  /**
   * Whether the caller runs in a context that was captured with `mark`. True only in the synchronous part of a callback where following it through
   * promises would slow down the whole process: in Node before 24.
   */
  isWithin(mark: object): boolean
}

/** For platforms without async contexts: every callback runs in the context of the code that calls it, and no context has a mark. */
export const noContexts: AsyncContexts = {
  outside: { run: (callback, ...args) => callback(...args) },
  capture: () => noContexts.outside,
  isWithin: () => false,
}
