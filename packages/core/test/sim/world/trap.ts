/**
 * Something that befalls a process at its next request of a kind: when it is sent, or when its answer arrives. Chance alone seldom
 * strikes between the write of a base and its answer, and that is where an engine is weak.
 */
export interface Trap {
  /** A method of the store and a part of the key: `put /log/`. */
  readonly spot: string
  readonly moment: 'request' | 'arrival'
}

/** One request that takes long, before it takes effect or after, while others of the same process pass. */
export interface Stall {
  readonly beforeMs: number
  readonly afterMs: number
  /** Whether its answer never comes. */
  readonly isLost: boolean
}

export function fits({ spot, moment }: Trap, now: Trap['moment'], operation: string, key: string): boolean {
  const space = spot.indexOf(' ')
  return moment === now && operation === spot.slice(0, space) && key.includes(spot.slice(space + 1))
}
