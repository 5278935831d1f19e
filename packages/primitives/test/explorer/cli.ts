/** Explores spaces that are too large for every test run: `pnpm --filter @s3queue/primitives explore -- --help`. */
import { parseArgs } from 'node:util'
import { nearestName } from '@s3queue/storage'
import { type Exploration, explore, type Progress } from './engine/explore.ts'
import type { Scenario } from './engine/scenario.ts'
import { CAS_DEFAULTS, casScenario } from './subjects/cas-scenario.ts'
import { loadPrimitives, type Primitives } from './subjects/code-under-test.ts'
import { LEASE_DEFAULTS, leaseScenario, lockScenario } from './subjects/lease-scenario.ts'
import { LOG_DEFAULTS, logScenario } from './subjects/log-scenario.ts'
import { MUTANTS } from './subjects/mutants.ts'

const HELP = `Runs the code of the primitives through every interleaving of a few processes, within bounds.

  --subject log|cas|lease|lock   what to explore (log)
  --mutant <name>                explore a planted defect as the tests do; --mutants lists them
  --max-states <n>               stop after so many states (none)

Bounds of all subjects
  --actors <n>        processes alive at one time (2); one may crash to make room for the next
  --faults <n>        unknown outcomes, double sends, failed reads in a run (1; cas 2)
  --in-flight <n>     writes under way that nobody waits for any more (1; cas 2)
  --double-send       a write that took place may be answered as refused
  --failing-reads     reads, lists and deletes may fail

The log
  --slots <n>         slots (4)                  --takeovers <n>   take-overs (2)
  --read-ahead <n>    slots read at once (1)     --followers <n>   processes that read along (0)
  --refreshes <n>     refreshes of each (2)      --own-collection  the writers collect, not somebody at any moment
  --appends <n>       commits of each leader (no limit)
  --confirms <n>      questions of a leader whether it still is one (0)
  --snapshot-faults   faults in the writing of snapshots too

The CAS object
  --processes <n>     (2)    --writes <n>   of each (2)    --toggles   the values 0 and 1 in turn

Lease and lock
  --processes <n>     (2)    --duration <n>  of a grant, in moments (2)    --moments <n>  that pass (6)
  --attempts <n>      of each process (2)    --renewals <n>  of each grant (1)

With --actors 2 --slots 6 --takeovers 3 give Node memory: NODE_OPTIONS=--max-old-space-size=16000.
`

const NUMBERS = [
  ['actors', 'alive'],
  ['faults', 'faults'],
  ['in-flight', 'inFlight'],
  ['slots', 'slots'],
  ['takeovers', 'takeOvers'],
  ['appends', 'appends'],
  ['read-ahead', 'readAhead'],
  ['followers', 'followers'],
  ['refreshes', 'refreshes'],
  ['confirms', 'confirms'],
  ['processes', 'processes'],
  ['writes', 'writes'],
  ['duration', 'duration'],
  ['moments', 'moments'],
  ['attempts', 'attempts'],
  ['renewals', 'renewals'],
  ['max-states', 'maxStates'],
] as const

const FLAGS = [
  'help',
  'mutants',
  'double-send',
  'failing-reads',
  'own-collection',
  'snapshot-faults',
  'toggles',
] as const

const OPTIONS = {
  subject: { type: 'string' as const },
  mutant: { type: 'string' as const },
  ...Object.fromEntries(NUMBERS.map(([flag]) => [flag, { type: 'string' as const }])),
  ...Object.fromEntries(FLAGS.map((flag) => [flag, { type: 'boolean' as const }])),
}

interface Settings {
  readonly words: Readonly<Record<string, string | boolean | undefined>>
  /** The numbers that were given, by the names that the bounds have. */
  readonly numbers: Readonly<Record<string, number>>
}

function settingsFrom(argv: readonly string[]): Settings {
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  for (const arg of args) {
    const [, flag] = /^--([\w-]+)/.exec(arg) ?? []
    if (flag === undefined || flag in OPTIONS) continue
    const nearest = nearestName(flag, Object.keys(OPTIONS))
    throw new Error(`There is no option --${flag}.${nearest === undefined ? '' : ` Did you mean --${nearest}?`}`)
  }
  const { values } = parseArgs({ args, options: OPTIONS })
  const words = values as Settings['words']
  const numbers: Record<string, number> = {}
  for (const [flag, name] of NUMBERS) {
    const text = words[flag]
    if (text === undefined) continue
    if (!/^\d+$/.test(String(text))) throw new Error(`--${flag} takes a whole number, not ${String(text)}.`)
    numbers[name] = Number(text)
  }
  return { words, numbers }
}

function scenarioFrom({ words, numbers }: Settings, code: Primitives): Scenario<unknown> {
  const faults = { doubleSend: words['double-send'] === true, reads: words['failing-reads'] === true }
  switch (words.subject ?? 'log') {
    case 'log': {
      const bounds = { ...LOG_DEFAULTS, ...numbers, ownCollection: words['own-collection'] === true }
      return logScenario(code, bounds, { ...faults, snapshots: words['snapshot-faults'] === true }) as Scenario<unknown>
    }
    case 'cas': {
      const bounds = { ...CAS_DEFAULTS, ...numbers, toggles: words.toggles === true }
      return casScenario(code, bounds, faults) as Scenario<unknown>
    }
    case 'lease':
      return leaseScenario(code, { ...LEASE_DEFAULTS, ...numbers }, faults) as Scenario<unknown>
    case 'lock':
      return lockScenario(code, { ...LEASE_DEFAULTS, ...numbers }, faults) as Scenario<unknown>
    default:
      throw new Error(`There is no subject ${String(words.subject)}: log, cas, lease, lock.`)
  }
}

const count = new Intl.NumberFormat('en')

let toldAt = performance.now()

/** One line that is written over on a terminal; elsewhere a line twice a minute. */
function showProgress({ states, depth, waiting, behaviours }: Progress): void {
  const line = `${count.format(states)} states, ${count.format(waiting)} to look at, depth ${depth}, ${count.format(behaviours)} situations`
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${line}`)
  else if (performance.now() - toldAt > 30_000) {
    toldAt = performance.now()
    process.stderr.write(`${line}\n`)
  }
}

function report(exploration: Exploration, startedAt: number): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  const { states, steps, depth, behaviours, runs, answers, exhausted, violation } = exploration
  console.log(
    `${count.format(states)} states, ${count.format(steps)} steps, depth ${depth}; ${count.format(behaviours)} situations of a process, ` +
      `real code started ${count.format(runs)} times and told ${count.format(answers)} answers; ` +
      `${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  )
  if (violation !== undefined) console.log(`VIOLATION: ${violation.message}\n  ${violation.trace.join('\n  ')}`)
  else console.log(exhausted ? 'No violation in the whole space.' : 'No violation so far: stopped before the end.')
}

async function main(): Promise<number> {
  const settings = settingsFrom(process.argv.slice(2))
  const { words, numbers } = settings
  if (words.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (words.mutants) {
    console.log(MUTANTS.map(({ name }) => name).join('\n'))
    return 0
  }
  const mutant = MUTANTS.find(({ name }) => name === words.mutant)
  if (words.mutant !== undefined && mutant === undefined) {
    throw new Error(`There is no mutant ${String(words.mutant)}: see --mutants.`)
  }
  const code = await loadPrimitives(mutant?.patches)
  const scenario = mutant?.scenario(code) ?? scenarioFrom(settings, code)
  const startedAt = performance.now()
  const exploration = await explore(scenario, { maxStates: numbers.maxStates, onProgress: showProgress })
  report(exploration, startedAt)
  return exploration.violation === undefined ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
