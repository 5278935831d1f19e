/** One line about a campaign. */
import type { CampaignResult } from './campaign.ts'

export function describeProgress(result: CampaignResult, elapsedMs: number): string {
  const { seeds, failures, tally, virtualMs, uneventful } = result
  const { takeOvers, crashes, pauses, partitions, faults, clockJumps, driftingClocks, requests } = tally
  const { handled, tickets, expiries, releases, revocations, snapshots, collected, stats, raises } = tally
  const many = (count: number): string => count.toLocaleString('en')
  return [
    `${many(seeds)} seeds (${(seeds / (elapsedMs / 1_000)).toFixed(1)}/s)`,
    `${many(failures.length)} failed`,
    `${many(uneventful)} uneventful`,
    `${(virtualMs / 3_600_000).toFixed(1)} virtual hours`,
    `${many(requests)} requests`,
    `${many(faults)} faults`,
    `${many(crashes)} crashes`,
    `${many(pauses)} pauses`,
    `${many(partitions)} partitions`,
    `${many(clockJumps)} clock jumps`,
    `${many(driftingClocks)} drifting clocks`,
    `${many(takeOvers)} take-overs`,
    `${many(handled)} handler calls`,
    ...(tickets > 0 ? [`${many(tickets)} tickets in mailboxes`] : []),
    `${many(expiries)} expiries`,
    `${many(releases)} claims given back`,
    `${many(revocations)} taken back by operators`,
    `${many(snapshots)} snapshots`,
    `${many(collected)} slots collected`,
    `${many(stats)} statistics`,
    ...(raises > 0 ? [`the number of shards written down ${many(raises)} times`] : []),
  ].join(', ')
}
