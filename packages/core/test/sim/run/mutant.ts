/** A defect to plant, and the hunt for it: it counts as found when some world shows what it was planted for. */
import { runCampaign } from '../command/campaign.ts'
import { loadCore, type Patch } from './load-core.ts'
import type { Profile } from './profile.ts'
import type { Subject } from './subject.ts'

export interface Mutant {
  readonly name: string
  readonly patches: readonly Patch[]
  /** What is found. */
  readonly finds: RegExp
  /** The kind of world in which it shows before long. */
  readonly weather?: Partial<Profile> | undefined
}

export function mutant(
  name: string,
  finds: RegExp,
  file: string,
  from: string,
  to: string,
  weather?: Partial<Profile>,
): Mutant {
  return { name, finds, patches: [{ file, from, to }], weather }
}

/** What the first seed says that shows something wrong; undefined if none of `mostSeeds` does. */
export async function huntMutant(
  subject: Subject,
  { name, patches, weather }: Mutant,
  mostSeeds: number,
): Promise<string | undefined> {
  const core = await loadCore(patches, subject.entry)
  const { seeds, failures } = await runCampaign({ subject: { ...subject, core }, from: 1, seeds: mostSeeds, weather })
  const message = failures[0]?.violation?.message
  console.log(`${name}: ${message === undefined ? 'not found' : `seed ${seeds}: ${message.split('\n')[0]}`}`)
  return message
}
