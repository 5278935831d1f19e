/** Whether a month looks like its second week. */
import type { Sample } from './sample.ts'

/** A later mean may be above an earlier one by this share, and by `slack`. */
const TOLERANCE = 0.1

interface Measure {
  readonly name: string
  readonly of: (sample: Sample) => number
  /** In the measure's own unit. */
  readonly slack: number
}

const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)

/** A change of the writer leaves a fence of about 100 bytes for ever: two a day. */
const FENCES_PER_DAY = 2

const MEASURES: readonly Measure[] = [
  { name: 'objects', of: ({ day, objects }) => sumOf(objects) - FENCES_PER_DAY * day, slack: 20 },
  { name: 'payload objects', of: ({ objects }) => objects.payloads ?? 0, slack: 10 },
  { name: 'kilobytes', of: ({ kilobytes }) => kilobytes, slack: 20 },
  { name: 'length of the log', of: ({ logLength }) => logLength, slack: 64 },
  { name: 'entries of the state', of: ({ remembered }) => remembered, slack: 30 },
  { name: 'heap, MB', of: ({ heapMegabytes }) => heapMegabytes, slack: 3 },
]

/** What grew from the samples of `early` to those of `late`, in words. */
export function growth(early: readonly Sample[], late: readonly Sample[]): string[] {
  return MEASURES.flatMap(({ name, of, slack }) => {
    const [before, after] = [mean(early.map(of)), mean(late.map(of))]
    return after <= before * (1 + TOLERANCE) + slack ? [] : [`${name}: ${before.toFixed(1)} → ${after.toFixed(1)}`]
  })
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
