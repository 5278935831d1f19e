/** The command line of the makespan table. */
import { parseArgs } from 'node:util'
import { type Durations, FULL_GRID, type Grid } from './cells.ts'

export const HELP = `Measures how well processes share work: real queues in virtual time. A process without a worker enqueues all messages together,
5 s after the workers have become idle. Prints each cell and the worst one. Ends with 1 if a cell takes longer than 1.15 × the
ideal + 0.3 s (+ 1 s where a request takes more than 5 ms), counted from the acknowledged enqueue.

  --cells <part>=<n,n> …  only these cells: processes=4,8 concurrency=10 durations=20,bimodal rounds=5 latency=1
                          (all: processes=1,2,4,8,16 concurrency=1,2,10,50 durations=1,20,250,2000,10000,bimodal
                          rounds=1,5,50 latency=1,5,60)
  --idle <ms>             how long the workers are idle before the enqueue (5000)
  --seed <n>              of everything that is drawn at random (1)
  --misses                prints only the cells that miss the limit
  --urgent                instead: how long a message of the highest priority waits behind a backlog, in one process and in three
`

export interface Arguments {
  readonly help: boolean
  readonly grid: Grid
  readonly idleMs: number
  readonly seed: number
  readonly misses: boolean
  readonly urgent: boolean
}

const MOST = { processes: 100, concurrency: 1000, rounds: 1000, latency: 10_000, durations: 600_000 } as const
type Part = keyof typeof MOST

/** Throws an `Error` that says what is wrong. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: argv.filter((arg) => arg !== '--'),
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      cells: { type: 'string', multiple: true, default: [] },
      idle: { type: 'string', default: '5000' },
      seed: { type: 'string', default: '1' },
      misses: { type: 'boolean', default: false },
      urgent: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  if (values.cells.length === 0 && positionals.length > 0)
    throw new Error(`What is ${JSON.stringify(positionals[0])}? Parts of the table follow --cells.`)
  const parts = new Map([...values.cells, ...positionals].flatMap((text) => text.split(/\s+/)).map(readPart))
  const wholes = (part: Exclude<Part, 'durations'>, all: readonly number[]): readonly number[] =>
    parts.get(part)?.map((text) => whole(part, text, 1, MOST[part])) ?? all
  return {
    help: values.help,
    grid: {
      processes: wholes('processes', FULL_GRID.processes),
      concurrency: wholes('concurrency', FULL_GRID.concurrency),
      durations: parts.get('durations')?.map(readDurations) ?? FULL_GRID.durations,
      rounds: wholes('rounds', FULL_GRID.rounds),
      latencyMs: wholes('latency', FULL_GRID.latencyMs),
    },
    idleMs: whole('--idle', values.idle, 0, 3_600_000),
    seed: whole('--seed', values.seed, 1, 1_000_000),
    misses: values.misses,
    urgent: values.urgent,
  }
}

function readPart(text: string): [Part, string[]] {
  const [part = '', values = ''] = text.split('=')
  if (!Object.hasOwn(MOST, part))
    throw new Error(`--cells has no part ${JSON.stringify(part)}. It has ${Object.keys(MOST).join(', ')}.`)
  return [part as Part, values.split(',')]
}

function readDurations(text: string): Durations {
  return text === 'bimodal' ? text : whole('durations', text, 1, MOST.durations)
}

function whole(name: string, text: string, min: number, max: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= min && number <= max) return number
  throw new Error(`${name} takes whole numbers from ${min} to ${max}, not ${JSON.stringify(text)}.`)
}
