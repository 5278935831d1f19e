/** One row on one store: a warm-up, the repetitions, and what they come to. */
import { loadavg } from 'node:os'
import { repetitionsFor } from './arguments.ts'
import type { Findings, MetricSpec, Place, Repetition, Row, StoreName, Target } from './row.ts'
import { median } from './sample.ts'

/** Longer than any repetition takes: something waits for what will never come. */
const STUCK_MS = 10 * 60_000

export interface MetricResult {
  readonly metric: string
  readonly label: string
  readonly unit: string
  /** One value for each repetition, in their order. */
  readonly samples: readonly number[]
  readonly median: number
  readonly min: number
  readonly max: number
  /** Undefined where there is none on this store, and in a quick run. */
  readonly target?: (Pick<Target, 'bound' | 'value'> & { readonly every: boolean; readonly met: boolean }) | undefined
}

export interface RowResult {
  readonly row: string
  readonly store: StoreName | undefined
  readonly repetitions: number
  /** The machine's load over the last minute as the row began. */
  readonly load: number
  readonly metrics: readonly MetricResult[]
}

/** Measures a row. Rejects with whatever goes wrong. */
export async function measureRow(row: Row, place: Place, repetitions: number | undefined): Promise<RowResult> {
  const [load = 0] = loadavg()
  const count = repetitionsFor(row, { repetitions })
  place.progress('making ready')
  const repeat = await row.begin(place)
  if (row.warmUp !== false && !place.quick) {
    place.progress('warming up')
    await inTime(repeat)
  }
  const found: Findings[] = []
  for (let n = 1; n <= count; n++) {
    place.progress(`${n} of ${count}`)
    found.push(await inTime(repeat))
  }
  const metrics = Object.entries(row.metrics).flatMap(([metric, spec]) => {
    const samples = found.map((findings) => findings[metric]).filter((value) => value !== undefined)
    return samples.length === 0 ? [] : [resultOf(metric, spec, samples, place)]
  })
  return { row: row.name, store: place.storeName, repetitions: count, load, metrics }
}

/** What the samples of a metric come to, and whether they keep its target. */
export function resultOf(
  metric: string,
  { label, unit, target }: MetricSpec,
  samples: readonly number[],
  { storeName: store, quick }: Pick<Place, 'storeName' | 'quick'>,
): MetricResult {
  const middle = median(samples)
  const result = { metric, label, unit, samples, median: middle, min: Math.min(...samples), max: Math.max(...samples) }
  const wanted = [target ?? []].flat().find(({ stores }) => stores === undefined || (store && stores.includes(store)))
  if (wanted === undefined || quick) return result
  const { bound, value, every = false } = wanted
  const held = every ? samples : [middle]
  const met = held.every((each) => (bound === 'at least' ? each >= value : each <= value))
  return { ...result, target: { bound, value, every, met } }
}

async function inTime(repeat: Repetition): Promise<Findings> {
  const { promise: stuck, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`It did not end within ${STUCK_MS / 60_000} minutes.`)), STUCK_MS)
  try {
    return await Promise.race([repeat(), stuck])
  } finally {
    clearTimeout(timer)
  }
}
