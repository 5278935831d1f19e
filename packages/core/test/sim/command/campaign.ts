/** Many seeds, one after the other, and what happened in them. */
import { runSeed, type SeedOptions, type SeedResult } from '../run/run-seed.ts'
import type { Subject } from '../run/subject.ts'
import { addTally, emptyTally, type Tally } from '../world/tally.ts'

export interface CampaignOptions {
  readonly subject: Subject
  readonly from: number
  readonly seeds: number
  readonly weather?: SeedOptions['weather']
  /** Whether to go on after this seed. */
  readonly goOn?: ((soFar: CampaignResult) => boolean) | undefined
}

export interface CampaignResult {
  readonly seeds: number
  readonly failures: readonly SeedResult[]
  readonly tally: Tally
  readonly virtualMs: number
  /** Worlds in which no process came to harm: such a seed shows little. */
  readonly uneventful: number
}

/** Runs seeds until all are done, `goOn` says no, or, without it, one fails. */
export async function runCampaign({ subject, from, seeds, weather, goOn }: CampaignOptions): Promise<CampaignResult> {
  const failures: SeedResult[] = []
  const tally = emptyTally()
  let virtualMs = 0
  let done = 0
  let uneventful = 0
  const soFar = (): CampaignResult => ({ seeds: done, failures, tally, virtualMs, uneventful })
  while (done < seeds) {
    const result = await runSeed(from + done, subject, { weather })
    done++
    addTally(tally, result.tally)
    if (isUneventful(result.tally)) uneventful++
    virtualMs += result.virtualMs
    if (result.violation !== undefined) failures.push(result)
    if (goOn === undefined ? failures.length > 0 : !goOn(soFar())) break
  }
  return soFar()
}

function isUneventful({ crashes, pauses, partitions, faults }: Tally): boolean {
  return crashes + pauses + partitions + faults === 0
}
