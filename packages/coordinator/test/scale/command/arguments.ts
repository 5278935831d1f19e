/** What the command can be told. */
import { parseArgs } from 'node:util'

export const HELP = `What many pods on one queue cost, and how fast they are: the real queue in virtual time, on a store with the latencies and the limits of S3.
Ends with 1 if anything goes beyond the limits or is refused while all is as always.

  --pods <n,n>   how many pods (10,100,1000)
  --rate <n,n>   messages per second (0,100,1000)
  --handler <n,n>
                 how long handlers take, in ms (100,1000,10000); rates that would take more than 80 % of all handlers are left out
  --seed <n>     of what is left to chance (1)
  --write        puts the table into docs/scale.md; takes all pods, rates and handlers
`

export interface Arguments {
  readonly help: boolean
  readonly pods: readonly number[]
  readonly rates: readonly number[]
  readonly handlersMs: readonly number[]
  readonly seed: number
  readonly write: boolean
}

const PODS: readonly number[] = [10, 100, 1000]
const RATES: readonly number[] = [0, 100, 1000]
const HANDLERS_MS: readonly number[] = [100, 1000, 10_000]
const MOST_PODS = 2000
const MOST_MESSAGES = 10_000
const MOST_HANDLER_MS = 600_000

/** Throws an `Error` that says what is wrong. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: argv.filter((arg) => arg !== '--'),
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      pods: { type: 'string' },
      rate: { type: 'string' },
      handler: { type: 'string' },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  })
  if (values.write && [values.pods, values.rate, values.handler].some((value) => value !== undefined))
    throw new Error('--write measures all rows of the table: leave out --pods, --rate and --handler.')
  const [seed = 1] = numbers('seed', values.seed, 1, 1_000_000)
  return {
    ...{ help: values.help, write: values.write, seed },
    // A writer that is killed and one that stops leave the rest to at least one other.
    pods: values.pods === undefined ? PODS : numbers('pods', values.pods, 3, MOST_PODS),
    handlersMs: values.handler === undefined ? HANDLERS_MS : numbers('handler', values.handler, 1, MOST_HANDLER_MS),
    rates: values.rate === undefined ? RATES : numbers('rate', values.rate, 0, MOST_MESSAGES),
  }
}

function numbers(name: string, text: string, min: number, max: number): number[] {
  return text.split(',').map((part) => {
    const number = Number(part)
    if (!/^\d+$/.test(part) || number < min || number > max)
      throw new Error(
        `--${name} takes whole numbers from ${min} to ${max}, with commas between them, not ${JSON.stringify(text)}.`,
      )
    return number
  })
}
