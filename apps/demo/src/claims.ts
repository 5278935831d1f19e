/** Claims put together from notes: who held which message, under which token, from when to when. */

import type { Crash } from './crash.ts'
import { seconds } from './lay-out.ts'
import type { ClaimEnd, Note } from './notes.ts'

export interface Claim {
  readonly id: string
  readonly token: number
  readonly by: string
  readonly from: number
  /** `Infinity` if nobody noted an end. */
  readonly to: number
  /** `killed`: its process was, and nobody noted another end. */
  readonly end: ClaimEnd | 'killed' | undefined
}

const ENDS: readonly string[] = ['completed', 'retried', 'died', 'released', 'expired'] satisfies ClaimEnd[]

/** All claims that a worker was handed, by message, in the order of their tokens. `notes` are in the order of time. */
export function foldClaims(notes: readonly Note[], crash: Crash | undefined): Map<string, Claim[]> {
  const ends = new Map<number, { readonly to: number; readonly end: ClaimEnd }>()
  // On a shared queue several sides note one end: it was over when the first of them saw it.
  for (const note of [...notes].reverse()) if (isEnd(note)) ends.set(note.token, { to: note.at, end: note.kind })
  const claims = new Map<string, Claim[]>()
  for (const note of notes) {
    if (note.kind !== 'claimed') continue
    const { id, token, by, at: from } = note
    const unsettled =
      by === crash?.by
        ? { to: crash.killedAt, end: 'killed' as const }
        : { to: Number.POSITIVE_INFINITY, end: undefined }
    const claim = { id, token, by, from, ...(ends.get(token) ?? unsettled) }
    claims.set(
      id,
      [...(claims.get(id) ?? []), claim].sort((a, b) => a.token - b.token),
    )
  }
  return claims
}

function isEnd(note: Note): note is Note & { readonly kind: ClaimEnd } {
  return ENDS.includes(note.kind)
}

/** When the claims of a process that was killed had ended. */
export function endedWithin(claims: readonly { readonly to: number }[], killedAt: number): string {
  if (claims.length === 0) return ''
  return `ended within ${seconds(Math.max(...claims.map(({ to }) => to)) - killedAt)} of its death`
}
