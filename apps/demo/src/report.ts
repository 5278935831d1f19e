/** The result as text: what came of the messages, what it took, and whether it adds up. */
import { REQUEST_KINDS } from '@s3queue/storage'
import type { Account } from './account.ts'
import type { Check } from './checks.ts'
import { endedWithin, foldClaims } from './claims.ts'
import { addCosts, requestsOf } from './cost.ts'
import { layOut, number, type Row, seconds } from './lay-out.ts'

export function describeAccount(account: Account): string {
  const { ids, elapsedMs, crash, interrupted, kept } = account
  const sections = [
    [`What became of ${ids.length} messages`, outcomes(account)],
    ['What it took', effort(account)],
    ...(crash === undefined ? [] : [['The crash', aftermath(account)] as const]),
  ] as const
  const texts = sections.map(([title, rows]) => `${title}\n${layOut(rows)}`)
  if (interrupted) texts.unshift(`Stopped by you after ${seconds(elapsedMs)}. What follows is as far as it got.`)
  if (kept.length > 0) texts.push(`Kept: ${kept.join(' and ')}`)
  return texts.join('\n\n')
}

export function describeChecks(checks: readonly Check[]): string {
  const lines = checks.map(({ name, holds, detail }) => `  ${holds ? '✓' : '✗'} ${name} (${detail})`)
  const failed = checks.filter(({ holds }) => !holds).length
  const verdict =
    failed === 0 ? 'All numbers add up.' : `${failed} of ${checks.length} checks FAILED: the numbers do not add up.`
  return `Checks\n${lines.join('\n')}\n\n${verdict}`
}

function outcomes({ stats, dead, notes, deliveries }: Account): Row[] {
  const retries = notes.filter((note) => note.kind === 'retried')
  const left = stats.waiting + stats.delayed + stats.active
  const copies = deliveries.length - new Set(deliveries.map(({ messageId }) => messageId)).size
  return [
    ['sent', number(stats.completed)],
    ['dead letters', number(stats.dead)],
    ...reasons(dead),
    ...(left === 0 ? [] : [['not done', number(left)] as const]),
    ['attempts that failed and were made again', number(retries.length)],
    ...reasons(retries),
    ['copies at the mail server (same Message-ID)', number(copies)],
  ]
}

/** Reasons and how often they were given, most frequent first. */
function reasons(ends: readonly { readonly why: string }[]): Row[] {
  const groups = Map.groupBy(ends, ({ why }) => why)
  const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length)
  return sorted.map(([why, each]) => [`  ${why}`, number(each.length)])
}

function effort({ ids, stats, notes, opening, cost, elapsedMs }: Account): Row[] {
  const perMessage = (count: number): string => (count / ids.length).toFixed(3)
  const settled = stats.completed + stats.dead
  const troubles = notes.filter((note) => note.kind === 'trouble')
  const last = troubles.at(-1)
  return [
    ['time', seconds(elapsedMs), `${Math.round(settled / (elapsedMs / 1000))} messages per second`],
    ['requests to the store to open the queue', number(requestsOf(opening)), 'once'],
    ['requests to the store per message', perMessage(requestsOf(cost)), `${number(requestsOf(cost))} in all`],
    ...REQUEST_KINDS.map((kind) => [`  ${kind}`, perMessage(cost[kind])] as const),
    ['all of it on S3', `$${addCosts(opening, cost).dollars.toFixed(4)}`, 'requests only, us-east-1'],
    ['on S3, for a million messages', `$${((cost.dollars / ids.length) * 1e6).toFixed(2)}`],
    ...(last === undefined ? [] : [['troubles with the store', number(troubles.length), last.why] as const]),
  ]
}

function aftermath(account: Account): Row[] {
  const { crash, notes, deliveries } = account
  if (crash === undefined) return []
  const claims = [...foldClaims(notes, crash).values()].flat().filter(({ by }) => by === crash.by)
  const ranOut = claims.filter(({ end }) => end === 'expired')
  const confirmed = new Set(deliveries.map(({ token }) => token))
  const promoted = notes.find(({ kind, by, at }) => kind === 'promoted' && by !== crash.by && at > crash.killedAt)
  return [
    ['claims that the killed process left behind', number(ranOut.length), endedWithin(ranOut, crash.killedAt)],
    ['  whose mail was out already', number(ranOut.filter(({ token }) => confirmed.has(token)).length)],
    ...(promoted === undefined
      ? []
      : [['until this process took over', seconds(promoted.at - crash.killedAt)] as const]),
  ]
}
