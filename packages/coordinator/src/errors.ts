/** Troubles that the coordinator tells of. Each says what to do. */

export abstract class CoordinatorError extends Error {
  abstract readonly code: string

  constructor(message: string) {
    super(message)
    this.name = new.target.name
  }
}

/** A process of another version speaks a format that this one does not. */
export class FormatMismatch extends CoordinatorError {
  readonly code = 'FORMAT_MISMATCH'

  constructor(key: string, found: number, known: number) {
    super(
      `${key} has format ${found}, and this process speaks format ${known} of @s3queue/coordinator. Bring all processes of the queue to one ` +
        'version; nothing is lost meanwhile, but these two do not work together.',
    )
  }
}

/** A worker that stopped could not tell so in time. Nothing is lost: what it had not started runs out, and what it leaves behind is cleared away. */
export class NotSignedOff extends CoordinatorError {
  readonly code = 'NOT_SIGNED_OFF'

  constructor(worker: string, ms: number) {
    super(
      `Worker ${worker} stopped, and could not tell so within ${ms} ms: the store does not answer. What it had not started runs after its visibility timeout.`,
    )
  }
}

/** Two workers are alive under one name at the same time. */
export class SameWorkerId extends CoordinatorError {
  readonly code = 'SAME_WORKER_ID'

  constructor(queue: string, name: string) {
    super(
      `Two workers of queue "${queue}" are called "${name}". They do not interfere, since each has its own suffix, but in logs and statistics ` +
        'they look like one: give each process its own workerId.',
    )
  }
}
