/** What happened in a run, in numbers: to show that a campaign does what it is for. */
export interface Tally {
  takeOvers: number
  commits: number
  snapshots: number
  collected: number
  crashes: number
  pauses: number
  partitions: number
  clockJumps: number
  /** Processes whose clocks run faster or slower than the world's. */
  driftingClocks: number
  faults: number
  requests: number
  enqueued: number
  handled: number
  expiries: number
  retries: number
  deaths: number
  releases: number
  /** Claims that operators took back. */
  revocations: number
  /** Tickets that were put into mailboxes. */
  tickets: number
  refusals: number
  stats: number
  /** Ends that somebody waited for and was told of. */
  ends: number
  /** How often somebody wrote down how many shards there are. */
  raises: number
}

export function emptyTally(): Tally {
  return {
    takeOvers: 0,
    commits: 0,
    snapshots: 0,
    collected: 0,
    crashes: 0,
    pauses: 0,
    partitions: 0,
    clockJumps: 0,
    driftingClocks: 0,
    faults: 0,
    requests: 0,
    enqueued: 0,
    handled: 0,
    expiries: 0,
    retries: 0,
    deaths: 0,
    releases: 0,
    revocations: 0,
    tickets: 0,
    refusals: 0,
    stats: 0,
    ends: 0,
    raises: 0,
  }
}

export function addTally(sum: Tally, more: Tally): void {
  for (const key of Object.keys(more) as (keyof Tally)[]) sum[key] += more[key]
}
