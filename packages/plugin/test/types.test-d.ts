/** What TypeScript knows of the plugin. Nothing here runs: `tsc` checks it with all other tests. */
import type { Database } from 's3db.js'
import { expectTypeOf } from 'vitest'
import {
  type HandlerContext,
  type PluginMetrics,
  type QueueEntry,
  type QueueMethods,
  type RecordQueueStats,
  type S3QueueEventName,
  type S3QueueEvents,
  S3QueuePlugin,
  withQueue,
} from '../src/index.ts'

interface Email {
  to: string
  attachments?: number
}

declare const db: Database
declare const emails: Database['resources'][string]

// --- handlers and callbacks see the record with its fields -----------------------------------------------------------

const queue = new S3QueuePlugin<Email>({
  resource: 'emails',
  onMessage: async (email, context) => {
    expectTypeOf(email.id).toEqualTypeOf<string>()
    expectTypeOf(email.to).toEqualTypeOf<string>()
    expectTypeOf(email.attachments).toEqualTypeOf<number | undefined>()
    expectTypeOf(context).toEqualTypeOf<HandlerContext>()
    expectTypeOf(context.attempt).toEqualTypeOf<number>()
    expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
    expectTypeOf(context.renewLock).returns.resolves.toEqualTypeOf<boolean>()
    // @ts-expect-error the context is not to be changed
    context.attempt = 2
    // @ts-expect-error `to` is a string
    email.to.toFixed()
  },
  onError: (error, { to }) => {
    expectTypeOf(error).toEqualTypeOf<Error>()
    expectTypeOf(to).toEqualTypeOf<string>()
  },
  onComplete: ({ to }, result) => {
    expectTypeOf(to).toEqualTypeOf<string>()
    expectTypeOf(result).toEqualTypeOf<unknown>()
  },
})
await queue.startProcessing(({ to }) => to.length, { concurrency: 2 })
expectTypeOf(queue.processNext).returns.resolves.toEqualTypeOf<boolean>()
expectTypeOf(queue.getStats).returns.resolves.toEqualTypeOf<RecordQueueStats>()

// Its handlers can be replaced.
queue.config.onComplete = (email, result) => expectTypeOf([email.to, result]).toEqualTypeOf<unknown[]>()
// @ts-expect-error other options are fixed
queue.config.concurrency = 2

/** What its base says is not narrowed away: it can be handed to the database. */
expectTypeOf(db.usePlugin).toBeCallableWith(queue, 'emails')

// --- options that do not fit -----------------------------------------------------------------------------------------

// @ts-expect-error the resource is required
new S3QueuePlugin({})
// @ts-expect-error there is no such option
new S3QueuePlugin({ resource: 'emails', visibiltyTimeout: 1 })
// @ts-expect-error a number
new S3QueuePlugin({ resource: 'emails', concurrency: '3' })
// @ts-expect-error one of three
new S3QueuePlugin({ resource: 'emails', failureStrategy: 'give up' })
// @ts-expect-error not there yet
new S3QueuePlugin({ resource: 'emails', coordinationBackend: 'redis' })
// @ts-expect-error a handler of something else
new S3QueuePlugin<Email>({ resource: 'emails', onMessage: (email: { to: number }) => email.to })

// --- the resource has its methods, and keeps its own -----------------------------------------------------------------

const mails = withQueue<Email, typeof emails>(emails)
expectTypeOf(mails).toExtend<QueueMethods<Email>>()
expectTypeOf(mails.get).toEqualTypeOf(emails.get)
const email = await mails.enqueue({ to: 'ada@example.org' }, { delay: '5m', priority: 1, at: new Date() })
expectTypeOf(email.id).toEqualTypeOf<string>()
expectTypeOf(email.to).toEqualTypeOf<string>()
expectTypeOf(mails.queueStats).returns.resolves.toEqualTypeOf<RecordQueueStats>()
expectTypeOf(mails.extendQueueVisibility).parameters.toExtend<[string, number, ...unknown[]]>()
// @ts-expect-error `to` is a string
await mails.enqueue({ to: 7 })
// @ts-expect-error the option is called `delay`
await mails.enqueue({ to: 'ada@example.org' }, { delayMs: 1 })
// @ts-expect-error without its queue a resource has no such method, for TypeScript
emails.enqueue({})
expectTypeOf<QueueEntry['status']>().toEqualTypeOf<'pending' | 'processing' | 'completed' | 'failed' | 'dead'>()

// --- events, by their names ------------------------------------------------------------------------------------------

queue.on('plg:s3-queue:message-completed', (event) => {
  expectTypeOf(event.queueId).toEqualTypeOf<string>()
  expectTypeOf(event.duration).toEqualTypeOf<number>()
  // @ts-expect-error a completed message has no error
  event.error
})
queue.once('plg:s3-queue:message-retry', ({ nextVisibleAt }) => expectTypeOf(nextVisibleAt).toEqualTypeOf<number>())
queue.on('plg:s3-queue:metrics', ({ metrics }) => expectTypeOf(metrics).toEqualTypeOf<PluginMetrics>())
const listener = ({ finalStatus }: S3QueueEvents['plg:s3-queue:message-outcome']): void => {
  expectTypeOf(finalStatus).toEqualTypeOf<'processed' | 'retrying' | 'failed' | 'dead-lettered'>()
}
queue.on('plg:s3-queue:message-outcome', listener).off('plg:s3-queue:message-outcome', listener)
expectTypeOf<'plg:s3-queue:message-dead'>().toExtend<S3QueueEventName>()
expectTypeOf<'plg:s3-queue:message-gone'>().not.toExtend<S3QueueEventName>()
/** Those of other plugins' kind stay possible. */
queue.on('plugin.dataPurged', () => {})
