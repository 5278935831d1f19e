/** Where the coordinator's objects lie, below the prefix of a queue's shard. None is a path prefix of another. */

/** The mailbox of one worker. */
export function mailboxKey(prefix: string, worker: string): string {
  return `${prefix}mailboxes/${worker}`
}

/** All signs of life. */
export function workersPrefix(prefix: string): string {
  return `${prefix}workers/`
}

/** The sign of life of one worker. */
export function workerKey(prefix: string, worker: string): string {
  return `${workersPrefix(prefix)}${worker}`
}

/** What the writer knows of all workers, for the others. */
export function registryKey(prefix: string): string {
  return `${prefix}registry`
}
