/** One message that lived through the crash, step by step: from the notes of both processes and from the mail server. */
import type { Account } from './account.ts'
import { foldClaims } from './claims.ts'
import { mailIdOf } from './send-mail.ts'

interface Step {
  readonly at: number
  readonly what: string
}

/** The story of a message whose mail was sent twice if there is one, else of one whose claim ran out; undefined if there is neither. */
export function tellStory(account: Account): string | undefined {
  const { crash, notes, deliveries, recipients, ids } = account
  if (crash === undefined) return undefined
  const abandoned = [...foldClaims(notes, crash).values()]
    .flat()
    .filter(({ by, end }) => by === crash.by && end === 'expired')
  const copiesOf = (id: string): number => deliveries.filter(({ messageId }) => messageId === mailIdOf(id)).length
  const { id } = abandoned.find((claim) => copiesOf(claim.id) > 1) ?? abandoned[0] ?? {}
  if (id === undefined) return undefined
  const steps: Step[] = [
    { at: crash.killedAt, what: `${crash.by} dies` },
    ...deliveries
      .filter(({ messageId }) => messageId === mailIdOf(id))
      .map(({ at, token }) => ({ at, what: `the mail server accepts the mail, token ${token}` })),
  ]
  for (const note of notes) {
    if (!('id' in note) || note.id !== id) continue
    const { kind, at, token, by } = note
    if (kind === 'claimed') steps.push({ at, what: `claimed by ${by}, token ${token}` })
    else if (kind === 'retried') steps.push({ at, what: `to be tried again: ${note.why}` })
    else if (kind === 'expired') steps.push({ at, what: `the claim with token ${token} runs out` })
    else steps.push({ at, what: kind })
  }
  steps.sort((a, b) => a.at - b.at)
  const from = steps[0]?.at ?? 0
  const lines = steps.map(({ at, what }) => `  ${((at - from) / 1000).toFixed(3).padStart(7)} s  ${what}`)
  const name = recipients[ids.indexOf(id)]?.name
  const moral =
    copiesOf(id) > 1
      ? 'Sent twice, completed once: the process died between sending and saying so. Nobody but the\n' +
        'mail server could have told; by the Message-ID or the token, it can. That is at-least-once.'
      : 'Nothing was lost: the claim of the dead process ran out, and the message was claimed again.'
  return `One message that lived through it: the mail to ${name}\n${lines.join('\n')}\n${moral}`
}
