import { QueueError } from '@s3queue/s3db'

/** The plugin is asked for something before it is installed. */
export function notInstalled(operation: string): QueueError {
  return new QueueError('S3QueuePlugin is not installed.', {
    ...{ statusCode: 409, operation },
    suggestion:
      'Call `await db.usePlugin(queue)` and `await db.connect()`, or hand the plugin to the constructor: `new Database({ plugins: [queue] })`.',
  })
}
