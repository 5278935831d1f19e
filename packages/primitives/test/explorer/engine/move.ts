/** A step of the world, as data. */
import type { Timer } from './actor.ts'
import type { Outstanding } from './behaviours.ts'

/**
 * What becomes of a request that a process waits for. `late`: answered `unknown` now, may take place at any later time. `lost`: answered
 * `unknown`, never takes place. `mute`: takes place, answered `unknown`. `twice`: takes place, answered `precondition-failed`.
 */
export type Fate = 'served' | 'late' | 'lost' | 'mute' | 'twice' | 'down'

export type Move =
  /** A process starts, in the room of the one at `instead`, which crashes; -1: there is room. */
  | { readonly kind: 'start'; readonly role: number; readonly instead: number }
  | { readonly kind: 'answer'; readonly place: number; readonly waiting: Outstanding; readonly fate: Fate }
  | { readonly kind: 'choose'; readonly place: number; readonly waiting: Outstanding; readonly option: string }
  | { readonly kind: 'deliver'; readonly place: number }
  | { readonly kind: 'land'; readonly place: number }
  | { readonly kind: 'remove'; readonly key: string }
  | { readonly kind: 'fire'; readonly place: number; readonly timer: Timer }
  | { readonly kind: 'pass' }
