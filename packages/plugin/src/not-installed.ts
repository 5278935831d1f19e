import { QueueError } from '@s3queue/s3db'

/** The plugin is asked for something before it is installed. */
export function notInstalled(operation: string): QueueError {
  return new QueueError('S3QueuePlugin is not installed.', {
    ...{ statusCode: 409, operation },
    suggestion:
      'Call `await db.connect()` first and `await db.usePlugin(queue)` after it: s3db.js does not install a plugin that it got before it was connected. Or hand it to the constructor: `new Database({ plugins: [queue] })`.',
  })
}
