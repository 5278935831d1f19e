/** What lies under a key of the queue under test. */
const PREFIX = 's3queue/jobs/0/'

/** Kinds of objects that need no number to be told apart. */
const KINDS = ['base', 'snapshots', 'inbox', 'writer', 'payloads', 'mailboxes', 'workers', 'registry'] as const

export type Place = { readonly kind: 'log'; readonly slot: number } | { readonly kind: (typeof KINDS)[number] }

export function placeOf(key: string): Place {
  const rest = key.slice(PREFIX.length)
  const slash = rest.indexOf('/')
  const name = slash < 0 ? rest : rest.slice(0, slash)
  if (name === 'log') return { kind: 'log', slot: Number(rest.slice(slash + 1)) }
  const kind = KINDS.find((known) => known === name)
  if (kind !== undefined) return { kind }
  throw new Error(`Nobody knows what lies under ${key}.`)
}
