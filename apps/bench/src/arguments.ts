/** The command line: what to measure, where, how often, and where the numbers go. */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { assertKnownKeys, nearestName, numberOption } from '@s3queue/storage'
import { ROW_GROUPS, type Row, STORE_NAMES, type StoreName } from './row.ts'

export interface BenchOptions {
  readonly rows: readonly Row[]
  /** The stores that were asked for by name. */
  readonly stores: readonly StoreName[] | undefined
  readonly quick: boolean
  /** Undefined: as many as each row wants. */
  readonly repetitions: number | undefined
  readonly directory: string
  /** Where the JSON goes; undefined: a file of its own in `bench-results/`. */
  readonly json: string | undefined
  /** The page whose table is written anew, if any. */
  readonly write: string | undefined
}

/** What is wrong with the command line, in words for whoever typed it. */
export class BadArguments extends Error {}

export const USAGE: string = `Measures the queue against its targets.

  --only <row,…>        only these rows; many-processes: all rows of real processes that share a queue, beside BullMQ
  --store <store,…>     only these stores: ${STORE_NAMES.join(', ')} (memory behind a model of a network, 60 ms a request)
  --repetitions <n>     how often each row is measured
  --quick               small numbers: does it work, not how fast
  --idle                also the idle queue in real time (two and a half minutes a store)
  --peers               instead of the rest: beside BullMQ on a Redis that is started for it, in one run
  --directory <path>    where the directories for fs are made (default: ${tmpdir()})
  --json <file>         where the numbers go (default: bench-results/<date>.json)
  --write <page>        puts the table into this page: with --peers into README.md, with --only many-processes into
                        packages/coordinator/README.md
  --help

Allocated: what the JavaScript heap grew by between runs of the garbage collector, all in all; buffers lie outside of it.
Ends with 0 also when a target is missed, with 1 when something could not be measured.`

const DEFAULT_REPETITIONS = 5

/** `help`, or what to do. Throws `BadArguments`. */
export function parseArguments(args: readonly string[], rows: readonly Row[]): BenchOptions | 'help' {
  const values = parse(args)
  if (values.help === true) return 'help'
  const { quick = false, idle = false, peers = false, json, write, directory = tmpdir() } = values
  const only = namesIn<string>('--only', values.only, [...ROW_GROUPS, ...rows.map(({ name }) => name)])
  const isNamed = ({ name, group }: Row): boolean | undefined =>
    only && (only.includes(name) || (group !== undefined && only.includes(group)))
  const flags = { idle, peers, group: false }
  const isWhole = only === undefined ? peers : !peers && only.length === 1 && only[0] === 'many-processes'
  if (write !== undefined && (!isWhole || quick))
    throw new BadArguments('--write is for a whole run: --peers or --only many-processes, and not --quick.')
  return {
    rows: rows.filter((row) =>
      row.onRequest === undefined ? (isNamed(row) ?? !peers) : flags[row.onRequest] || isNamed(row) === true,
    ),
    stores: namesIn('--store', values.store, STORE_NAMES),
    quick,
    repetitions: repetitionsOf(values.repetitions, quick),
    directory,
    json,
    write,
  }
}

/** How often a row is measured in a run. */
export function repetitionsFor(row: Row, { repetitions }: Pick<BenchOptions, 'repetitions'>): number {
  return repetitions ?? row.repetitions ?? DEFAULT_REPETITIONS
}

const FLAGS = {
  only: { type: 'string' },
  store: { type: 'string' },
  repetitions: { type: 'string' },
  directory: { type: 'string' },
  json: { type: 'string' },
  write: { type: 'string' },
  quick: { type: 'boolean' },
  idle: { type: 'boolean' },
  peers: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type Values = ReturnType<typeof parseArgs<{ readonly options: typeof FLAGS }>>['values']

function parse(args: readonly string[]): Values {
  // Some ways to run a script hand on the "--" that separates its arguments.
  const own = args[0] === '--' ? args.slice(1) : [...args]
  try {
    assertKnownKeys(
      'bench',
      Object.fromEntries(own.filter((arg) => arg.startsWith('--')).map((arg) => [arg.slice(2).split('=')[0], true])),
      Object.keys(FLAGS),
    )
    return parseArgs({ args: own, options: FLAGS }).values
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error))
  }
}

function namesIn<N extends string>(flag: string, list: string | undefined, known: readonly N[]): N[] | undefined {
  return list?.split(',').map((name) => {
    const found = known.find((each) => each === name)
    if (found !== undefined) return found
    const nearest = nearestName(name, known)
    const advice = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
    throw new BadArguments(`${flag}: "${name}" is not known.${advice} Known: ${known.join(', ')}.`)
  })
}

function repetitionsOf(given: string | undefined, quick: boolean): number | undefined {
  if (given === undefined) return quick ? 1 : undefined
  try {
    return numberOption('bench', 'repetitions', Number(given), 1, { min: 1, max: 1000, integer: true })
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error))
  }
}
