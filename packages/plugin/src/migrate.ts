#!/usr/bin/env node
/** The command that moves the waiting messages of a queue of the plugin that comes with s3db.js: see the help below. */
import { parseArgs } from 'node:util'
import { Database } from 's3db.js'
import { S3QueuePlugin } from './plugin.ts'

const HELP = `Moves the messages that wait in a queue of the plugin that comes with s3db.js.
Stop all workers of that plugin first. Safe to repeat.

  s3queue-migrate --connection s3://KEY:SECRET@bucket/prefix --resource tasks

  --connection      where the database is
  --resource        the resource that has the queue
  --namespace       of the new queue, if its plugin has one
  --queue-resource  the old queue, if it is not plg_s3queue_<resource>_queue
`

type DatabaseOptions = ConstructorParameters<typeof Database>[0]

/** Answers that are final are not asked for again, which takes seven seconds each; and the SDK's own HTTP handler, as the library's merges reads. */
const CAREFUL = { executorPool: { retries: 0 }, clientOptions: { httpClientOptions: { useReckerHandler: false } } }

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      connection: { type: 'string' },
      resource: { type: 'string' },
      namespace: { type: 'string' },
      'queue-resource': { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const { connection, resource, namespace } = values
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (connection === undefined || resource === undefined) {
    process.stderr.write(`${connection === undefined ? '--connection' : '--resource'} is missing.\n\n${HELP}`)
    return 2
  }
  const db = new Database({ connectionString: connection, logLevel: 'warn', ...CAREFUL } as DatabaseOptions)
  await db.connect()
  try {
    const queue = new S3QueuePlugin({ resource, namespace, autoStart: false })
    await db.usePlugin(queue)
    const { moved, withoutRecord, unread } = await queue.adoptQueue(values['queue-resource'])
    process.stdout.write(`${moved} messages moved, ${withoutRecord} left whose record is gone\n`)
    if (unread === 0) return 0
    process.stderr.write(`${unread} entries could not be read, and are left: run this again\n`)
    return 1
  } finally {
    await db.disconnect()
  }
}

/** What went wrong, what it came from, and what to do about it. The library wraps what it met in words that do not say. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { suggestion, original, cause = original } = error as Error & { suggestion?: unknown; original?: unknown }
  const inner = cause instanceof Error ? explain(cause) : ''
  const lines = [error.message, ...(typeof suggestion === 'string' ? [suggestion] : []), ...inner.split('\n')]
  return [...new Set(lines.filter((line) => line !== ''))].join('\n')
}

// Left to end by itself, the process would end with 0 whatever `exitCode` says: s3db.js sees to that.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  },
)
