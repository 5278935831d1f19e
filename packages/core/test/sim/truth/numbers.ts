import type { Model } from './model.ts'

/** How many messages are in which condition. */
export interface Numbers {
  readonly waiting: number
  readonly delayed: number
  readonly active: number
  readonly completed: number
  readonly dead: number
}

export function numbersOf({ waiting, delayed, counts }: Model): Numbers {
  const { active, completed, dead } = counts
  return { waiting, delayed, active, completed, dead }
}
