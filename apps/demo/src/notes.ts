/**
 * What each process notes down about the queue while it works: the inside evidence of the demo. Notes are plain data, so that those of a
 * process that was killed can be read back from its journal.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Queue } from '@s3queue/core'
import type { Cost } from './cost.ts'
import { monotonicMs } from './monotonic.ts'

/** How a claim ended. */
export type ClaimEnd = 'completed' | 'retried' | 'died' | 'released' | 'expired'

interface OfClaim {
  readonly id: string
  readonly token: number
}

export type Event =
  | ({ readonly kind: 'claimed' | 'completed' | 'died' | 'released' | 'expired' | 'refused' } & OfClaim)
  | ({ readonly kind: 'retried'; readonly why: string } & OfClaim)
  | { readonly kind: 'promoted' | 'demoted'; readonly epoch: number }
  | { readonly kind: 'trouble'; readonly why: string }
  /** What the process cost so far. */
  | { readonly kind: 'cost'; readonly cost: Cost }

export type Note = Event & {
  /** `monotonicMs()` when it was noted. */
  readonly at: number
  /** The process that noted it. */
  readonly by: string
}

/** Notes everything that happens in this process's part of `queue`. */
export function watch(queue: Queue<unknown>, note: (event: Event) => void): void {
  for (const kind of ['claimed', 'completed', 'died', 'released', 'expired', 'refused'] as const)
    queue.on(kind, ({ id, fencingToken: token }) => note({ kind, id, token }))
  queue.on('retried', ({ id, fencingToken: token, error }) => note({ kind: 'retried', id, token, why: error.message }))
  for (const kind of ['promoted', 'demoted'] as const) queue.on(kind, ({ epoch }) => note({ kind, epoch }))
  queue.on('trouble', ({ error }) =>
    note({ kind: 'trouble', why: error instanceof Error ? error.message : String(error) }),
  )
}

export interface Notebook {
  readonly notes: readonly Note[]
  note(event: Event): void
}

/** Notes in memory. */
export function createNotebook(by: string): Notebook {
  const notes: Note[] = []
  return { notes, note: (event) => notes.push({ at: monotonicMs(), by, ...event }) }
}

export interface Journal {
  note(event: Event): void
  close(): void
}

/** Notes in a file. Each is with the operating system before `note` returns, so a killed process has left all it noted. */
export function openJournal(path: string, by: string): Journal {
  const file = openSync(path, 'a')
  return {
    note: (event) => writeSync(file, `${JSON.stringify({ at: monotonicMs(), by, ...event })}\n`),
    close: () => closeSync(file),
  }
}

/** The notes of a journal; none if it was never begun. A last line that was cut off is left out. */
export async function readJournal(path: string): Promise<Note[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Note)
}
