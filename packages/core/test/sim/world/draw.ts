/** Choices of a seeded run. Everything that is left to chance is drawn here, so the same seed makes the same run. */
import type { Random } from '@s3queue/storage'

/** A number in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low)
}

/** A whole number from `low` to `high`, both included. */
export function whole(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1))
}

/** A whole number from `low` to `high` of which each order of magnitude is as likely as another: short waits matter as much as long ones. */
export function spread(random: Random, low: number, high: number): number {
  return Math.round(Math.max(1, low) * (high / Math.max(1, low)) ** random.next())
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)]
  if (item === undefined) throw new Error('There is nothing to pick from.')
  return item
}

/** One of the keys of `weights`, each as likely as its weight. */
export function weighted<K extends string>(random: Random, weights: Readonly<Partial<Record<K, number>>>): K {
  const entries = Object.entries(weights) as [K, number][]
  let draw = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [key, weight] of entries) {
    draw -= weight
    if (draw < 0) return key
  }
  throw new Error('No weight is above zero.')
}
