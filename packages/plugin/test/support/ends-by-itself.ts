import { Database } from 's3db.js'
import { S3QueuePlugin } from '../../src/index.ts'
import { gate, TASKS, type Task } from './tasks.ts'

const db = new Database({ connectionString: 'memory://ends/app', logLevel: 'silent' } as never)
await db.connect()
const tasks = await db.createResource({ ...TASKS })
const handled = gate()
const queue = new S3QueuePlugin<Task>({
  resource: 'tasks',
  onMessage: ({ type }) => {
    console.log(`handled ${type}`)
    handled.open()
  },
})
await db.usePlugin(queue)
await (tasks as never as { enqueue(data: object): Promise<unknown> }).enqueue({ type: 'a' })
await handled.passed
await db.disconnect()
