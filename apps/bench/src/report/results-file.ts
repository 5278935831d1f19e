/** The numbers as JSON for programs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RowResult } from '../measure.ts'
import type { Machine } from './machine.ts'

export interface Trouble {
  readonly row: string
  readonly store: string | undefined
  readonly reason: string
}

export interface BenchReport {
  /** As the run began. */
  readonly machine: Machine
  readonly loadAtEnd: readonly number[]
  readonly quick: boolean
  readonly results: readonly RowResult[]
  readonly failed: readonly Trouble[]
  readonly skipped: readonly Trouble[]
}

/** Writes the report to `file`, or to one named after its date. Resolves to the path. */
export async function writeReport(report: BenchReport, file: string | undefined): Promise<string> {
  const name = report.machine.date.slice(0, 19).replaceAll(':', '-')
  const path = file ?? join('bench-results', `${name}.json`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(report, undefined, 2)}\n`)
  return path
}
