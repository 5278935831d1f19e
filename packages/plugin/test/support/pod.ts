/**
 * One process with a plugin, told by its parent what to do: `{ produce: n }`, `{ metrics: true }`. SIGTERM disconnects it. It reports every handler
 * that it runs and everything that is recorded, so that the parent can judge from the evidence of all processes together.
 */
import {
  type HandlerContext,
  type PluginMetrics,
  type S3QueueOptions,
  S3QueuePlugin,
  withQueue,
} from '../../src/index.ts'
import { connect } from './place.ts'
import { TASKS, type Task } from './tasks.ts'

export interface PodSetup {
  readonly location: string
  readonly options: Partial<S3QueueOptions<Task>>
  /** How long a handler takes, in ms. */
  readonly handlerMs: number
  /** Only enqueues. */
  readonly producer?: boolean
}

export type PodOrder = { readonly produce: readonly string[] } | { readonly metrics: true }

export type PodReport =
  | { readonly kind: 'ready'; readonly workerId: string }
  | { readonly kind: 'enqueued'; readonly ids: readonly string[] }
  | { readonly kind: 'started'; readonly id: string; readonly token: number }
  | { readonly kind: 'handled'; readonly id: string; readonly token: number }
  | { readonly kind: 'completed'; readonly id: string; readonly attempts: number }
  | { readonly kind: 'metrics'; readonly metrics: PluginMetrics }

function report(message: PodReport): void {
  process.send?.(message)
}

const setup = JSON.parse(process.argv[2] ?? '') as PodSetup

async function handle({ id, type }: Task, { fencingToken: token, signal }: HandlerContext): Promise<string> {
  report({ kind: 'started', id: String(id), token })
  if (type === 'poison') process.kill(process.pid, 'SIGKILL')
  if (type === 'hang') await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  else await new Promise((resolve) => setTimeout(resolve, setup.handlerMs))
  report({ kind: 'handled', id: String(id), token })
  return `by ${process.pid}`
}

const db = await connect(setup.location)
if (db.resources.tasks === undefined) await db.createResource({ ...TASKS })
const queue = new S3QueuePlugin<Task>({
  ...{ resource: 'tasks', coordinatorElectionInterval: 500, heartbeatInterval: 500, heartbeatTTL: 2 },
  ...setup.options,
  ...(setup.producer ? {} : { onMessage: handle }),
})
queue.on('plg:s3-queue:message-completed', ({ queueId: id, attempts }) => report({ kind: 'completed', id, attempts }))
await db.usePlugin(queue)
const tasks = withQueue<Task>(db.resources.tasks ?? TASKS)

process.on('message', (order: PodOrder) => {
  if ('produce' in order) {
    void Promise.all(order.produce.map((type) => tasks.enqueue({ type }))).then((records) =>
      report({ kind: 'enqueued', ids: records.map(({ id }) => id) }),
    )
  } else {
    queue.once('plg:s3-queue:metrics', ({ metrics }) => report({ kind: 'metrics', metrics }))
  }
})
process.once('SIGTERM', () => {
  void db.disconnect().then(() => process.disconnect())
})
report({ kind: 'ready', workerId: queue.workerId })
