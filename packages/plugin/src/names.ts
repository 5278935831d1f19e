/** What a queue and its dead letters are called in a database, and where they are reachable. */
import type { QueueView, S3dbDatabase, S3dbResource } from '@s3queue/s3db'
import type { ResolvedS3QueueOptions } from './options.ts'

export interface HelperNames {
  /** `plg_<namespace>_s3queue_<resource>_queue`, or the user's name if it begins with `plg_`. */
  readonly queue: string
  /** The user's own name, if it is another. */
  readonly alias: string
  readonly deadLetter: string | undefined
}

export function helperNames(
  {
    resource,
    queueResource,
    deadLetterResource,
  }: Pick<ResolvedS3QueueOptions, 'resource' | 'queueResource' | 'deadLetterResource'>,
  namespace: string | null,
): HelperNames {
  const deadLetter = deadLetterResource === undefined ? undefined : namespaced(deadLetterResource, namespace)
  if (queueResource.startsWith('plg_')) {
    const queue = namespaced(queueResource, namespace)
    return { queue, alias: queue, deadLetter }
  }
  return { queue: namespaced(`plg_s3queue_${resource}_queue`, namespace), alias: queueResource, deadLetter }
}

/** Only names that begin with `plg_` take the namespace. */
function namespaced(name: string, namespace: string | null): string {
  if (!name.startsWith('plg_') || namespace === null || name.startsWith(`plg_${namespace}_`)) return name
  return `plg_${namespace}_${name.slice('plg_'.length)}`
}

/**
 * Makes the view reachable as `db.resources.<name>`, or takes it away again where it is undefined. It does not show up when the resources are
 * gone through, since other plugins would take it for one of theirs. The dead letter resource is reachable by the name the user gave, too.
 */
export function showViews(
  resources: S3dbDatabase['resources'],
  { queue, alias, deadLetter }: HelperNames,
  view: QueueView | undefined,
  rows: S3dbResource | undefined,
  deadLetterAlias: string | undefined,
): void {
  for (const name of new Set([queue, alias])) show(resources, name, view)
  if (deadLetterAlias !== undefined && deadLetterAlias !== deadLetter) show(resources, deadLetterAlias, rows)
}

const shown = new WeakSet<object>()

function show(resources: object, name: string, value: object | undefined): void {
  const known = (resources as Record<string, unknown>)[name]
  const isOurs = known === undefined || (typeof known === 'object' && known !== null && shown.has(known))
  if (!isOurs) return
  if (value === undefined) {
    Reflect.deleteProperty(resources, name)
    return
  }
  shown.add(value)
  Object.defineProperty(resources, name, { value, configurable: true, writable: true, enumerable: false })
}
