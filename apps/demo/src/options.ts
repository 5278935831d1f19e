/** The command line. Whatever cannot be meant is refused, with what might have been meant. */
import { parseArgs } from 'node:util'
import { InvalidOption, nearestName } from '@s3queue/storage'
import { openStore, type StorePlace } from './open-store.ts'

export interface DemoOptions {
  /** How many messages; undefined for as many as the list has rows. */
  readonly messages: number | undefined
  /** How many mails are sent at once. */
  readonly concurrency: number
  /** Where the queue lives; undefined for a temporary directory. */
  readonly place: StorePlace | undefined
  readonly crash: boolean
  /** How many worker processes share the queue, one of which is killed; undefined for one process. */
  readonly pods: number | undefined
  /** Shows the features of the queue instead of sending the newsletter. */
  readonly tour: boolean
  readonly keep: boolean
  readonly quiet: boolean
}

/** A command line that cannot be run. */
export class UsageError extends Error {}

const FLAGS = {
  messages: { type: 'string', short: 'n' },
  concurrency: { type: 'string', short: 'c' },
  directory: { type: 'string', short: 'd' },
  store: { type: 'string', short: 's' },
  crash: { type: 'boolean' },
  pods: { type: 'string', short: 'p' },
  tour: { type: 'boolean' },
  keep: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What says how the newsletter is sent, and so means nothing to the tour. */
const NEWSLETTER_FLAGS: readonly string[] = [
  'messages',
  'concurrency',
  'crash',
  'pods',
  'quiet',
] satisfies (keyof typeof FLAGS)[]

const MAX_MESSAGES = 100_000
const MAX_CONCURRENCY = 500
const MAX_PODS = 16

/** The options, or `help` if that was asked for. Throws `UsageError`. */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values, tokens } = parseArgs({ args: [...args], options: FLAGS, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') throw new UsageError(`"${token.value}" is not an option.`)
    if (token.kind === 'option') assertFlag(token.name, token.rawName, token.value)
  }
  if (values.help === true) return 'help'
  if (values.directory !== undefined && values.store !== undefined)
    throw new UsageError('--directory and --store both say where the queue lives: give one of them.')
  const idle = values.tour === true ? Object.keys(values).find((name) => NEWSLETTER_FLAGS.includes(name)) : undefined
  if (idle !== undefined) throw new UsageError(`--${idle} means nothing to --tour: leave one of them out.`)
  const { messages, concurrency, directory, store, pods } = values
  if (pods !== undefined && values.crash === true)
    throw new UsageError('--pods kills a process by itself: leave --crash out.')
  return {
    messages: messages === undefined ? undefined : wholeNumber('--messages', messages, MAX_MESSAGES),
    concurrency: concurrency === undefined ? 20 : wholeNumber('--concurrency', concurrency, MAX_CONCURRENCY),
    place: readPlace(typeof directory === 'string' ? `fs:${directory}` : store),
    crash: values.crash === true,
    pods: pods === undefined ? undefined : wholeNumber('--pods', pods, MAX_PODS, 2),
    tour: values.tour === true,
    keep: values.keep === true,
    quiet: values.quiet === true,
  }
}

function assertFlag(name: string, rawName: string, value: string | undefined): void {
  const names = Object.keys(FLAGS)
  if (!names.includes(name)) {
    const nearest = nearestName(name, names)
    throw new UsageError(`There is no option ${rawName}.${nearest === undefined ? '' : ` Did you mean --${nearest}?`}`)
  }
  const { type } = FLAGS[name as keyof typeof FLAGS]
  if (type === 'string' && (value === undefined || value === '')) throw new UsageError(`--${name} needs a value.`)
  if (type === 'boolean' && value !== undefined) throw new UsageError(`--${name} takes no value.`)
}

function wholeNumber(flag: string, text: string | boolean, max: number, min: number = 1): number {
  const value = Number(text)
  if (/^\d+$/.test(String(text)) && value >= min && value <= max) return value
  throw new UsageError(`${flag} takes a whole number from ${min} to ${max.toLocaleString('en')}, not "${text}".`)
}

/** Never repeats a URL: it may hold a secret. */
function readPlace(text: string | boolean | undefined): StorePlace | undefined {
  if (typeof text !== 'string') return undefined
  if (text.startsWith('fs:')) {
    if (text === 'fs:') throw new UsageError('--store fs: needs the path of a directory behind it.')
    return { kind: 'fs', directory: text.slice('fs:'.length) }
  }
  if (!/^(s3|https?):\/\//.test(text)) throw new UsageError('--store takes s3://…, http(s)://… or fs:PATH.')
  const place: StorePlace = { kind: 's3', url: text }
  try {
    openStore(place, '').close()
  } catch (error) {
    if (error instanceof InvalidOption) throw new UsageError(error.message)
    throw error
  }
  return place
}
