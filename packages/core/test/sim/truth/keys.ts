/** What lies under a key of the queue under test. */
const PREFIX = 's3queue/jobs/0/'

type Kind = 'base' | 'snapshots' | 'inbox' | 'writer' | 'payloads' | 'mailboxes' | 'workers' | 'registry'

const KINDS: readonly Kind[] = [
  ...(['base', 'snapshots', 'inbox', 'writer', 'payloads'] as const),
  ...(['mailboxes', 'workers', 'registry'] as const),
]

export type Place = { readonly kind: 'log'; readonly slot: number } | { readonly kind: Kind }

export function placeOf(key: string): Place {
  const rest = key.slice(PREFIX.length)
  const slash = rest.indexOf('/')
  const kind = slash < 0 ? rest : rest.slice(0, slash)
  if (kind === 'log') return { kind, slot: Number(rest.slice(slash + 1)) }
  const known = KINDS.find((each) => each === kind)
  if (known !== undefined) return { kind: known }
  throw new Error(`Nobody knows what lies under ${key}.`)
}
