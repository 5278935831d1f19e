/** What lies under a key of the queue under test. */
const PREFIX = 's3queue/jobs/'

/** Kinds of objects of a shard that need no number to be told apart. */
const KINDS = ['base', 'snapshots', 'inbox', 'writer', 'payloads', 'mailboxes', 'workers', 'registry', 'bell'] as const

/** An object of one shard, or the one that says how many there are. */
export type Place = Located | { readonly kind: 'shards' }

export type Located =
  | { readonly kind: 'log'; readonly shard: number; readonly slot: number }
  | { readonly kind: (typeof KINDS)[number]; readonly shard: number; readonly name: string }

export function placeOf(key: string): Place {
  if (key === `${PREFIX}shards`) return { kind: 'shards' }
  const [shardText = '', first = '', ...rest] = key.slice(PREFIX.length).split('/')
  const shard = Number(shardText)
  const name = rest.join('/')
  if (first === 'log') return { kind: 'log', shard, slot: Number(name) }
  const kind = KINDS.find((known) => known === first)
  if (kind !== undefined) return { kind, shard, name }
  throw new Error(`Nobody knows what lies under ${key}.`)
}
