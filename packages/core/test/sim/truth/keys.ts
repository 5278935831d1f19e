/** What lies under a key of the queue under test. */
const PREFIX = 's3queue/jobs/0/'

export type Place =
  | { readonly kind: 'log'; readonly slot: number }
  | { readonly kind: 'base' | 'snapshots' | 'inbox' | 'writer' | 'payloads' }

export function placeOf(key: string): Place {
  const rest = key.slice(PREFIX.length)
  const slash = rest.indexOf('/')
  const kind = slash < 0 ? rest : rest.slice(0, slash)
  if (kind === 'log') return { kind, slot: Number(rest.slice(slash + 1)) }
  if (kind === 'base' || kind === 'snapshots' || kind === 'inbox' || kind === 'writer' || kind === 'payloads')
    return { kind }
  throw new Error(`Nobody knows what lies under ${key}.`)
}
