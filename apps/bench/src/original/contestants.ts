/** Our plugin and the one that s3db.js brings, each with the same resource and the same handler, which does nothing. */
import { S3QueuePlugin } from '@s3queue/plugin'
import { Database } from 's3db.js'
import { S3QueuePlugin as Original } from 's3db.js/plugins/index'

/** A queue under way, and what is asked of it. */
export interface Running {
  enqueue(n: number): Promise<unknown>
  start(): Promise<unknown>
  stats(): Promise<{ readonly completed?: number; readonly total?: number }>
}

export interface Contestant {
  readonly key: 'ours' | 'best' | 'stock'
  readonly name: string
  open(connection: string, concurrency: number, onMessage: (n: number) => void): Promise<Running>
}

interface Queueing {
  enqueue(record: object): Promise<unknown>
  queueStats(): Promise<{ readonly completed?: number; readonly total?: number }>
}

/** What both plugins add to a resource. */
function canQueue(resource: object): resource is Queueing {
  return 'enqueue' in resource && 'queueStats' in resource
}

async function open(
  connection: string,
  options: object,
  makePlugin: (db: Database) => { readonly plugin: object; start(): Promise<unknown> },
): Promise<Running> {
  const db = new Database({
    ...{ connectionString: connection, logLevel: 'silent', ...options },
    clientOptions: { httpClientOptions: { useReckerHandler: false } },
  } as ConstructorParameters<typeof Database>[0])
  await db.connect()
  const tasks = await db.createResource({
    name: 'tasks',
    attributes: { id: 'string|required', n: 'number|required' },
  })
  const { plugin, start } = makePlugin(db)
  await db.usePlugin(plugin as Parameters<Database['usePlugin']>[0])
  const queueing: object = tasks
  if (!canQueue(queueing)) throw new Error('The plugin gave the resource no queue.')
  return {
    enqueue: (n) => queueing.enqueue({ n }),
    start,
    stats: () => queueing.queueStats(),
  }
}

const ours: Contestant = {
  key: 'ours',
  name: '@s3queue/plugin',
  open: (connection, concurrency, onMessage) =>
    open(connection, { executorPool: { retries: 0, concurrency: 100 } }, () => {
      const plugin = new S3QueuePlugin<{ n: number }>({
        resource: 'tasks',
        concurrency,
        autoStart: false,
        onMessage: ({ n }) => onMessage(n),
      })
      return { plugin, start: () => plugin.startProcessing() }
    }),
}

function original({ key, name }: Pick<Contestant, 'key' | 'name'>, database: object, options: object): Contestant {
  return {
    ...{ key, name },
    open: (connection, concurrency, onMessage) =>
      open(connection, database, () => {
        const plugin = new Original({
          ...{ resource: 'tasks', concurrency, autoStart: false, autoAcknowledge: true, logLevel: 'silent' },
          onMessage: async (record: Record<string, unknown>) => onMessage(Number(record.n)),
          ...options,
        })
        return { plugin, start: () => plugin.startProcessing() }
      }),
  }
}

/** The best configuration of the original that we know of. */
const best = original(
  { key: 'best', name: 's3db.js, at its best' },
  { executorPool: { retries: 0, concurrency: 100 } },
  { enableCoordinator: false, pollInterval: 100 },
)
const stock = original({ key: 'stock', name: 's3db.js, by default' }, {}, {})

export const CONTESTANTS: readonly Contestant[] = [ours, best, stock]
