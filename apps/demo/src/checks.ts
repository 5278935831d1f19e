/**
 * Do the numbers add up? Each check holds what one side says against what another saw: the list, the queue's statistics, the notes of
 * the processes, and the mail server, which knows nothing of the queue.
 */
import type { Account } from './account.ts'
import { type Claim, foldClaims } from './claims.ts'
import type { Delivery } from './mail-server.ts'
import type { Note } from './notes.ts'
import { GIVEN_UP, mailIdOf } from './send-mail.ts'

export interface Check {
  /** What ought to be. */
  readonly name: string
  readonly holds: boolean
  /** The numbers, or what is wrong. */
  readonly detail: string
}

/** The account, with what several checks want to know. */
interface Case {
  readonly account: Account
  readonly good: readonly string[]
  readonly bad: readonly string[]
  readonly addressOf: ReadonlyMap<string, string>
  readonly claims: ReadonlyMap<string, readonly Claim[]>
  readonly delivered: ReadonlyMap<string, readonly Delivery[]>
  /** Messages whose completion the killed process may have recorded without living to note it. */
  readonly untold: ReadonlySet<string>
}

export function checkAccount(account: Account): Check[] {
  const { recipients, ids, notes, crash } = account
  const claims = foldClaims(notes, crash)
  const open: Case = {
    account,
    good: ids.filter((_, i) => recipients[i]?.expected === 'sent'),
    bad: ids.filter((_, i) => recipients[i]?.expected === 'dead'),
    addressOf: new Map(ids.map((id, i) => [id, recipients[i]?.email.toLowerCase() ?? ''])),
    claims,
    delivered: groupBy(account.deliveries, ({ messageId }) => messageId),
    untold: new Set([...claims].filter(([, each]) => each.at(-1)?.end === 'killed').map(([id]) => id)),
  }
  const checks = [
    ...[everyRowEnqueued, sentAndDead, nothingLeft, goodHaveMail, nobodyElse, deadAreBad, oneCompletion, copies],
    ...[claimsNeverMet, tokensOnlyGrew, mailWithinClaim],
  ]
  if (crash !== undefined) checks.push(takenOver, endedAfterDeath)
  return checks.map((check) => check(open))
}

function everyRowEnqueued({ account: { recipients, ids, stats } }: Case): Check {
  const holds = new Set(ids).size === recipients.length && stats.total === recipients.length
  return { name: 'every row became one message', holds, detail: `${recipients.length} rows, ${stats.total} messages` }
}

function sentAndDead({ account: { ids, stats } }: Case): Check {
  const { completed, dead } = stats
  const holds = completed + dead === ids.length
  return { name: 'enqueued = sent + dead', holds, detail: `${ids.length} = ${completed} + ${dead}` }
}

function nothingLeft({ account: { stats } }: Case): Check {
  const { waiting, delayed, active } = stats
  const detail = `${waiting} waiting, ${delayed} delayed, ${active} active`
  return { name: 'nothing is left over', holds: waiting + delayed + active === 0, detail }
}

function goodHaveMail({ good, addressOf, delivered }: Case): Check {
  const missing = good.filter((id) => {
    const arrivedAt = delivered.get(mailIdOf(id))?.map(({ address }) => address.toLowerCase()) ?? []
    return !arrivedAt.includes(addressOf.get(id) ?? '')
  })
  const detail = missing.length === 0 ? `${good.length} of ${good.length}` : `${missing.length} have none`
  return { name: 'every good recipient has their mail', holds: missing.length === 0, detail }
}

function nobodyElse({ good, delivered }: Case): Check {
  const entitled = new Set(good.map(mailIdOf))
  const others = [...delivered.keys()].filter((messageId) => !entitled.has(messageId))
  return { name: 'nobody else got one', holds: others.length === 0, detail: `${others.length} others` }
}

function deadAreBad({ account: { dead, stats }, good, bad }: Case): Check {
  const ids = new Set(dead.map(({ id }) => id))
  const wronged = good.filter((id) => ids.has(id)).length
  const spared = bad.filter((id) => !ids.has(id)).length
  const holds = wronged === 0 && spared === 0 && ids.size === bad.length && stats.dead === bad.length
  const detail = holds
    ? `${bad.length} rows`
    : `${ids.size} dead letters for ${bad.length} bad rows: ${wronged} are of good rows, ${spared} are missing`
  return { name: 'the dead letters are exactly the bad rows', holds, detail }
}

function oneCompletion({ account: { notes, stats }, good, untold }: Case): Check {
  const completions = groupBy(
    notes.filter(({ kind }) => kind === 'completed'),
    idOf,
  )
  const wrong = good.filter((id) => {
    const count = countOf(completions.get(id) ?? [])
    return count > 1 || (count === 0 && !untold.has(id))
  })
  const entitled = new Set(good)
  const strangers = [...completions.keys()].filter((id) => !entitled.has(id))
  const holds = wrong.length === 0 && strangers.length === 0 && stats.completed === good.length
  const detail = holds
    ? `${stats.completed} completions`
    : `${stats.completed} completions for ${good.length} good rows; wrong for ${wrong.length + strangers.length}`
  return { name: 'one completion is recorded for each mail', holds, detail }
}

/** Without a crash there is no excuse for a second copy. With one, a claim that ended without a settlement is, and one that was given up before its end. */
function copies({ account: { crash, notes }, claims, delivered }: Case): Check {
  const endOf = new Map([...claims.values()].flat().map(({ token, end }) => [token, end]))
  const repeated = [...delivered.values()].filter((each) => each.length > 1)
  const extra = repeated.reduce((sum, each) => sum + each.length - 1, 0)
  const givenUp = new Set(
    notes.flatMap((note) => (note.kind === 'retried' && note.why === GIVEN_UP ? [note.token] : [])),
  )
  const excused = ({ token }: Delivery): boolean =>
    ['expired', 'killed'].includes(endOf.get(token) ?? '') || givenUp.has(token)
  const inexcusable = repeated.filter((each) => crash === undefined || !each.slice(0, -1).every(excused)).length
  const name =
    crash === undefined
      ? 'no mail came twice'
      : 'a mail came twice only where its sender was killed or cut off in between'
  return {
    name,
    holds: inexcusable === 0,
    detail: inexcusable === 0 ? `${extra} copies` : `${inexcusable} without reason`,
  }
}

function claimsNeverMet({ claims }: Case): Check {
  let met = 0
  for (const each of claims.values())
    for (const [i, claim] of each.entries()) {
      const next = each[i + 1]
      if (next !== undefined && next.from < claim.to) met++
    }
  const count = [...claims.values()].flat().length
  return {
    name: 'no two claims on a message met',
    holds: count > 0 && met === 0,
    detail: `${count} claims, ${met} met`,
  }
}

function tokensOnlyGrew({ claims, delivered }: Case): Check {
  const tokens = [...claims.values()].flat().map(({ token }) => token)
  const rows = [
    ...[...claims.values()].map((each) => [...each].sort((a, b) => a.from - b.from)),
    ...[...delivered.values()].map((each) => [...each].sort((a, b) => a.at - b.at)),
  ]
  const fell = rows.filter((row) => row.some(({ token }, i) => i > 0 && token <= (row[i - 1]?.token ?? 0))).length
  const twice = tokens.length - new Set(tokens).size
  return { name: 'fencing tokens only grew', holds: fell + twice === 0, detail: `${fell} fell, ${twice} given twice` }
}

function mailWithinClaim({ account: { deliveries }, claims }: Case): Check {
  const byToken = new Map([...claims.values()].flat().map((claim) => [claim.token, claim]))
  const outside = deliveries.filter(({ at, token, messageId }) => {
    const claim = byToken.get(token)
    if (claim === undefined || mailIdOf(claim.id) !== messageId || at < claim.from) return true
    // What a process wrote before it was killed may be read after; it cannot have been written after.
    return claim.end !== 'killed' && at > claim.to
  }).length
  return { name: 'each mail came while its claim was valid', holds: outside === 0, detail: `${outside} outside` }
}

function takenOver({ account: { notes, crash } }: Case): Check {
  const theirs = notes.filter(({ kind, by }) => kind === 'claimed' && by === crash?.by).length
  const ours = notes.filter(({ kind, by }) => kind === 'claimed' && by !== crash?.by).length
  const detail = `${theirs} claims by the one that was killed, ${ours} by others`
  return { name: 'the killed process worked, and so did others', holds: theirs > 0 && ours > 0, detail }
}

function endedAfterDeath({ account: { crash }, claims }: Case): Check {
  const abandoned = [...claims.values()].flat().filter(({ by, end }) => by === crash?.by && end === 'expired')
  const early = abandoned.filter(({ to }) => to < (crash?.killedAt ?? 0))
  const name = 'claims of the killed process ended only after it was dead'
  return { name, holds: early.length === 0, detail: `${abandoned.length} ended, ${early.length} too early` }
}

function idOf(note: Note): string {
  return 'id' in note ? note.id : ''
}

/** How many completions these notes are of. On a shared queue several sides note one, each once. */
function countOf(notes: readonly Note[]): number {
  const bySide = Object.values(Object.groupBy(notes, ({ by }) => by)).map((each) => each?.length ?? 0)
  return Math.max(new Set(notes.map((note) => ('token' in note ? note.token : 0))).size, ...bySide)
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf)
}
