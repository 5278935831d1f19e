/** What the plugin's queue and resources are called: names that two of them share, or that cannot be, are found before anything is installed. */
import { encodeKeySegment } from '@s3queue/s3db'
import { assertKnownKeys, InvalidOption } from '@s3queue/storage'
import { alias, OWNER } from './option-checks.ts'

export interface NameOptions {
  /** The resource whose records are handled. It has to be there when the plugin is installed. */
  readonly resource: string
  /** What the queue is called in `db.resources`. Default: the resource's name and `_queue`. */
  readonly queueResource?: string | undefined
  /** A resource that gets a row for each dead message; made if it is not there. Default: none, they stay in the queue as `dead`. */
  readonly deadLetterResource?: string | undefined
  /** Both names in one. */
  readonly resourceNames?: { readonly queue?: string | undefined; readonly deadLetter?: string | undefined } | undefined
  /** Several plugins side by side: part of the names of helper resources and of keys. Default: the name given to `usePlugin`. */
  readonly namespace?: string | undefined
  /** The same as `namespace`. */
  readonly instanceId?: string | undefined
}

export interface ResolvedNames {
  readonly resource: string
  /** The resource's name as a part of keys. */
  readonly queueName: string
  readonly queueResource: string
  readonly deadLetterResource: string | undefined
}

/** The name of a resource is part of the keys of its queue. */
const LONGEST = 100

/** `deadLetterQueue`: of the failure strategy, a third place for the same name. */
export function resolveNames(options: NameOptions, deadLetterQueue: string | undefined): ResolvedNames {
  const { resource, resourceNames = {} } = options
  if (typeof resource !== 'string' || resource === '')
    throw new InvalidOption(OWNER, 'resource', 'is required: the name of the resource whose records are to be handled.')
  const queueName = encodeKeySegment(resource)
  if (queueName.length > LONGEST) {
    throw new InvalidOption(
      OWNER,
      'resource',
      `is part of the keys of its queue, so it must have at most ${LONGEST} characters, not ${queueName.length}; other characters than A-Z a-z 0-9 . _ - count three times for each byte of UTF-8.`,
    )
  }
  assertKnownKeys(`${OWNER}.resourceNames`, resourceNames, ['queue', 'deadLetter'])
  name('namespace', alias('namespace', options.namespace, 'instanceId', options.instanceId))
  const own = alias('queueResource', options.queueResource, 'resourceNames.queue', resourceNames.queue)
  const queueResource = name('queueResource', own) ?? `${resource}_queue`
  const { deadLetterResource } = options
  const rows = alias('deadLetterResource', deadLetterResource, 'resourceNames.deadLetter', resourceNames.deadLetter)
  const deadLetters = name(
    'deadLetterResource',
    alias('deadLetterResource', rows, 'failureStrategy.deadLetterQueue', deadLetterQueue),
  )
  distinct('queueResource', queueResource, 'resource', resource)
  distinct('deadLetterResource', deadLetters, 'resource', resource)
  distinct('deadLetterResource', deadLetters, 'queueResource', queueResource)
  return { resource, queueName, queueResource, deadLetterResource: deadLetters }
}

function name(option: string, value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw new InvalidOption(OWNER, option, `must be a name, not ${JSON.stringify(value)}.`)
}

function distinct(option: string, value: string | undefined, other: string, taken: string): void {
  if (value !== taken) return
  throw new InvalidOption(
    OWNER,
    option,
    `must be another name than "${other}", which is ${JSON.stringify(taken)}, too.`,
  )
}
