/** One line about a campaign. */
import type { CampaignResult } from './campaign.ts'

export function describeProgress({ seeds, failures, tally, virtualMs }: CampaignResult, elapsedMs: number): string {
  const { takeOvers, crashes, pauses, partitions, faults, expiries, snapshots, collected, requests, handled, stats } =
    tally
  const many = (count: number): string => count.toLocaleString('en')
  return [
    `${many(seeds)} seeds (${(seeds / (elapsedMs / 1_000)).toFixed(1)}/s)`,
    `${many(failures.length)} failed`,
    `${(virtualMs / 3_600_000).toFixed(1)} virtual hours`,
    `${many(requests)} requests`,
    `${many(faults)} faults`,
    `${many(crashes)} crashes`,
    `${many(pauses)} pauses`,
    `${many(partitions)} partitions`,
    `${many(takeOvers)} take-overs`,
    `${many(handled)} handler calls`,
    `${many(expiries)} expiries`,
    `${many(snapshots)} snapshots`,
    `${many(collected)} slots collected`,
    `${many(stats)} statistics`,
  ].join(', ')
}
