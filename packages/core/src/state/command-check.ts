/**
 * Whether what another process sent are commands that this version understands.
 *
 * A command that only a later version knows, or that a defect elsewhere made, must not stop the writer half-way through an object: the
 * whole object then is left for one who can read it, and what it enqueues is not lost.
 */

type Fields = Readonly<Record<string, unknown>>
type Check = (fields: Fields) => boolean

const COMMANDS: Readonly<Record<string, Check>> = {
  enqueue: ({ sender, seq, count, maxAttempts, priority, visibleAt }) =>
    isText(sender) && isCount(seq) && isCount(count) && [maxAttempts, priority, visibleAt].every(Number.isFinite),
  settle: ({ settlements }) => all(settlements, ({ token, kind }) => isCount(token) && SETTLEMENTS.has(kind)),
  control: ({ sender, seq, action }) =>
    isText(sender) && isCount(seq) && isFields(action) && isOf(ACTIONS, action.kind, action),
  left: ({ worker }) => isText(worker),
  notice: ({ worker, number, capacity, overCapacity, concurrency, rate }) =>
    isText(worker) && isCount(number) && [capacity, overCapacity, concurrency, rate].every(Number.isFinite),
}

const ACTIONS: Readonly<Record<string, Check>> = {
  pause: () => true,
  resume: () => true,
  purge: () => true,
  'accept-restore': () => true,
  cancel: ({ id }) => isText(id),
  release: ({ id }) => isText(id),
  redrive: ({ ids }) => ids === undefined || areTexts(ids),
  forget: ({ ids }) => areTexts(ids),
}

const SETTLEMENTS: ReadonlySet<unknown> = new Set(['complete', 'fail', 'reject', 'snooze', 'release'])

/** What is wrong with `commands`, which come with so many payloads, in words; undefined if nothing is. */
export function findBadCommand(commands: unknown, payloads: number): string | undefined {
  if (!Array.isArray(commands)) return 'it holds no commands'
  let messages = 0
  for (const command of commands as readonly unknown[]) {
    if (!isFields(command) || !isOf(COMMANDS, command.type, command))
      return `it holds a command that this version does not know, though a later one may: ${JSON.stringify(command).slice(0, 200)}`
    if (command.type === 'enqueue') messages += Number(command.count)
  }
  return messages === payloads ? undefined : `it enqueues ${messages} messages and holds ${payloads} payloads`
}

function isOf(checks: Readonly<Record<string, Check>>, kind: unknown, fields: Fields): boolean {
  return typeof kind === 'string' && Object.hasOwn(checks, kind) && checks[kind]?.(fields) === true
}

function all(values: unknown, check: Check): boolean {
  return Array.isArray(values) && values.every((value) => isFields(value) && check(value))
}

function areTexts(values: unknown): boolean {
  return Array.isArray(values) && values.every(isText)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
