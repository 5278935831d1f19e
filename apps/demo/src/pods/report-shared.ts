/** The result of a run with several worker processes: a row for each of them, what they come to together, and how the kill went. */
import type { Account, Shared } from '../account.ts'
import { endedWithin, foldClaims } from '../claims.ts'
import { requestsOf } from '../cost.ts'
import { layOut, layOutColumns, number, type Row, seconds } from '../lay-out.ts'
import type { ClaimEnd } from '../notes.ts'

export function describeShared(account: Account, shared: Shared): string {
  const { ids, elapsedMs, interrupted, kept } = account
  const title = `${shared.workers.length} worker processes on one queue: ${number(ids.length)} messages in ${seconds(elapsedMs)}`
  const texts = [`${title}\n\n${describeWorkers(account, shared)}`, layOut(totals(account, shared))]
  if (interrupted) texts.unshift(`Stopped by you after ${seconds(elapsedMs)}. What follows is as far as it got.`)
  if (kept.length > 0) texts.push(`Kept: ${kept.join(' and ')}`)
  return texts.join('\n\n')
}

function describeWorkers(account: Account, shared: Shared): string {
  const rows = [...shared.workers, undefined].map((worker) => {
    const count = (...kinds: ClaimEnd[]): string =>
      number(shared.ends.filter((end) => kinds.includes(end.kind) && end.worker === (worker ?? end.worker)).length)
    const counts = [count('completed', 'died'), count('completed'), count('died'), count('retried'), count('expired')]
    return [worker ?? 'all', ...counts, worker === undefined ? '' : describeTerms(account, shared, worker)]
  })
  return layOutColumns([['worker', 'handled', 'sent', 'dead', 'retried', 'claims lost', 'wrote the log'], ...rows], 5)
}

/** When a worker's process wrote the log, from the first message on. */
function describeTerms({ notes, crash, elapsedMs }: Account, { startedAt }: Shared, worker: string): string {
  const moment = (at: number): string => seconds(Math.max(0, at - startedAt))
  const changes = notes.filter(
    ({ by, kind, at }) => by === worker && (kind === 'promoted' || kind === 'demoted') && at - startedAt < elapsedMs,
  )
  const terms = changes.flatMap(({ kind, at }, i) => {
    if (kind === 'demoted') return []
    const until = changes[i + 1]?.at ?? (crash?.by === worker ? crash.killedAt : undefined)
    return [until === undefined ? `from ${moment(at)} on` : `${moment(at)} to ${moment(until)}`]
  })
  return [...terms, ...(crash?.by === worker ? ['killed'] : [])].join(', ')
}

function totals(account: Account, shared: Shared): Row[] {
  const { stats, deliveries, crash, notes, cost, opening, ids, patience } = account
  const copies = deliveries.length - new Set(deliveries.map(({ messageId }) => messageId)).size
  const next = notes.find(({ kind, by, at }) => crash && kind === 'promoted' && by !== crash.by && at > crash.killedAt)
  const left =
    crash && [...foldClaims(notes, crash).values()].flat().filter(({ by, end }) => by === crash.by && end === 'expired')
  const requests = requestsOf(cost)
  return [
    ['enqueued', number(stats.total), `= ${number(stats.completed)} completed + ${number(stats.dead)} dead letters`],
    ['executed twice', number(copies), 'the mail was out, and nobody had said so'],
    ...(left === undefined
      ? []
      : [['claims of the killed process', number(left.length), endedWithin(left, crash?.killedAt ?? 0)] as const]),
    ...(crash === undefined || next === undefined
      ? []
      : [
          [
            'until another wrote',
            seconds(next.at - crash.killedAt),
            `on another machine it would be ${seconds(patience.takeoverAfterMs)} after its last sign`,
          ] as const,
        ]),
    [
      'requests per message',
      (requests / Math.max(1, ids.length)).toFixed(3),
      describeRequests(requests, opening, shared),
    ],
  ]
}

function describeRequests(requests: number, opening: Account['opening'], { lookingOn }: Shared): string {
  const others = `${number(requestsOf(opening))} to open the queue, ${number(requestsOf(lookingOn))} to look on`
  return `${number(requests)} in all processes; besides, ${others}`
}
