/** What the command can be told. */
import { parseArgs } from 'node:util'
import type { Profile } from '../run/profile.ts'
import type { Subject } from '../run/subject.ts'

const MOST_PODS = 1_000

export function helpFor({ name, weathers }: Subject): string {
  return `Runs all of ${name} in simulated worlds: several processes on one faulty store, in virtual time, with crashes,
pauses, partitions and wrong clocks. What a world is like and what happens in it depends on its seed alone.

  --seeds <n>     how many seeds to run (1000)
  --from <n>      the first one (1)
  --minutes <n>   stop after so many minutes
  --keep-going    do not stop at the first seed that fails
  --seed <n>      run this one alone
  --pods <n>      processes at the start (as the seed says)
  --weather <w>   worlds that are rough in one way: ${Object.keys(weathers).join(', ')}
  --trace         tell everything that happens in it
`
}

export interface Arguments {
  readonly help: boolean
  readonly from: number
  readonly seeds: number
  readonly minutes: number
  readonly keepGoing: boolean
  readonly trace: boolean
  /** What worlds are to be like, and the options that said so. */
  readonly weather: Partial<Profile>
  readonly options: string
}

/** Throws an `Error` that says what is wrong. */
export function readArguments(subject: Subject, argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: argv[0] === '--' ? argv.slice(1) : [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      pods: { type: 'string' },
      weather: { type: 'string' },
    },
  })
  if (values.trace && values.seed === undefined)
    throw new Error('--trace goes with --seed: the trace of one seed is long enough.')
  const one = values.seed === undefined ? undefined : wholeNumber('seed', values.seed)
  const { pods, weather } = values
  return {
    help: values.help,
    from: one ?? wholeNumber('from', values.from ?? '1'),
    seeds: one === undefined ? wholeNumber('seeds', values.seeds ?? '1000') : 1,
    minutes: values.minutes === undefined ? Number.POSITIVE_INFINITY : positive('minutes', values.minutes),
    keepGoing: values['keep-going'],
    trace: values.trace,
    weather: {
      ...(weather === undefined ? {} : weatherNamed(subject, weather)),
      ...(pods === undefined ? {} : { processes: podCount(pods) }),
    },
    options: `${weather === undefined ? '' : ` --weather ${weather}`}${pods === undefined ? '' : ` --pods ${pods}`}`,
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name} takes a whole number, not ${JSON.stringify(text)}.`)
  return Number(text)
}

function podCount(text: string): number {
  const count = wholeNumber('pods', text)
  if (count < 1 || count > MOST_PODS) throw new Error(`--pods takes 1 to ${MOST_PODS}, not ${text}.`)
  return count
}

function weatherNamed({ weathers }: Subject, text: string): Partial<Profile> {
  const weather = weathers[text]
  if (weather === undefined)
    throw new Error(`--weather takes one of ${Object.keys(weathers).join(', ')}, not ${JSON.stringify(text)}.`)
  return weather
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${JSON.stringify(text)}.`)
  return value
}
