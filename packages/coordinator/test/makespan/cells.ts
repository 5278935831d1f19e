/** Which makespans are measured, and how long each may take. */
import { seededRandom } from '@s3queue/storage'
import type { Makespan, MakespanOptions } from './measure.ts'

/** Handlers that all take so many ms, or a mix: nine in ten take 20 ms, one takes 2 s. */
export type Durations = number | 'bimodal'

export interface Cell {
  readonly processes: number
  readonly concurrency: number
  readonly durations: Durations
  /** How often each slot gets a message, on average. */
  readonly rounds: number
  readonly latencyMs: number
}

export interface Grid {
  readonly processes: readonly number[]
  readonly concurrency: readonly number[]
  readonly durations: readonly Durations[]
  readonly rounds: readonly number[]
  readonly latencyMs: readonly number[]
}

export const FULL_GRID: Grid = {
  processes: [1, 2, 4, 8, 16],
  concurrency: [1, 2, 10, 50],
  durations: [1, 20, 250, 2000, 10_000, 'bimodal'],
  rounds: [1, 5, 50],
  /** A directory, MinIO on the same machine, and S3. */
  latencyMs: [1, 5, 60],
}

/** How far the makespan may exceed the ideal. */
const SHARE = 1.15
const ALLOWANCE_MS = { near: 300, far: 1000 } as const
/** Up to here a store is near. */
const NEAR_MS = 5

const MIX = { shortMs: 20, longMs: 2000, longShare: 0.1 } as const

export function* cellsOf(grid: Grid): Iterable<Cell> {
  for (const latencyMs of grid.latencyMs)
    for (const durations of grid.durations)
      for (const processes of grid.processes)
        for (const concurrency of grid.concurrency)
          for (const rounds of grid.rounds) yield { processes, concurrency, durations, rounds, latencyMs }
}

export function optionsOf({ durations, rounds, ...cell }: Cell, seed: number): MakespanOptions {
  const messages = cell.processes * cell.concurrency * rounds
  return { ...cell, messages, seed, durations: durations === 'bimodal' ? mixOf(messages, seed) : () => durations }
}

/** How long a cell may take, in ms. */
export function limitOf({ latencyMs }: Cell, { idealMs }: Makespan): number {
  return SHARE * idealMs + (latencyMs <= NEAR_MS ? ALLOWANCE_MS.near : ALLOWANCE_MS.far)
}

function mixOf(messages: number, seed: number): (n: number) => number {
  const random = seededRandom(seed)
  const { shortMs, longMs, longShare } = MIX
  const all = Array.from({ length: messages }, () => (random.next() < longShare ? longMs : shortMs))
  return (n) => all[n] ?? shortMs
}
