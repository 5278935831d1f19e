/** What is simulated: the core alone or with a transport, the worlds it is put into, and what is watched besides the promises of the core. */
import type { Random } from '@s3queue/storage'
import type { World } from '../world/world.ts'
import type { CoreUnderTest } from './core-under-test.ts'
import type { Crew } from './crew.ts'
import type { Profile } from './profile.ts'

/** Looks at one world for what the core does not know of. What it finds wrong it throws. */
export interface Witness {
  /** Nothing is left to do, and nobody has closed yet. */
  quiet(crew: Crew): Promise<void>
  /** Everybody has closed. */
  closed(crew: Crew): Promise<void>
}

export interface Subject {
  /** The package whose command repeats a seed. */
  readonly name: string
  readonly core: CoreUnderTest
  /** The file that exports `core`, relative to the folder of packages. */
  readonly entry: string
  readonly drawProfile: (random: Random) => Profile
  /** Kinds of worlds that are rough in one way. */
  readonly weathers: Readonly<Record<string, Partial<Profile>>>
  /** How many requests so many idle processes may make in `ms`, beyond those of the core. */
  readonly idleRequests?: (world: World, processes: number, ms: number) => number
  readonly attend?: (world: World) => Witness
}
