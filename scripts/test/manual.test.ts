/** The manual leaves nothing out: every option, event, outcome and error of the core is in its README, numbers with their defaults. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { EVENT_NAMES } from '../../packages/core/src/events.ts'
import { complete, deadLetter, NotRetriable, retry, snooze } from '../../packages/core/src/index.ts'
import { resolveQueueOptions } from '../../packages/core/src/options.ts'
import { resolveProcessOptions } from '../../packages/core/src/process-options.ts'
import { createMemoryStore } from '../../packages/storage-memory/src/index.ts'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const manual = read('packages/core/README.md')
const operations = read('docs/operations.md')

/** Members of an interface, or of a union of strings, as they stand in its source. */
function membersOf(file: string, declaration: string): string[] {
  const [, after = ''] = read(file).split(new RegExp(`export (?:interface|type) ${declaration}\\b`))
  const body = after.split(/\n}|\n\n/)[0] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly (\w+)\??:|\| '(\w+)')/gm)].map(([, member, text]) => member ?? text ?? '')
}

describe.each([
  ['createQueue', membersOf('packages/core/src/options.ts', 'QueueOptions'), 15],
  ['retention', membersOf('packages/core/src/retention.ts', 'RetentionOptions'), 4],
  ['backoff', membersOf('packages/core/src/backoff.ts', 'BackoffOptions'), 3],
  ['process', membersOf('packages/core/src/process-options.ts', 'ProcessOptions'), 4],
  ['enqueue', membersOf('packages/core/src/enqueue-options.ts', 'EnqueueOptions'), 8],
])('the options of %s', (_, options, atLeast) => {
  test('are all there', () => {
    expect(options.length).toBeGreaterThanOrEqual(atLeast)
    for (const option of options) expect(manual).toMatch(new RegExp(`\\b${option}\\b`))
  })
})

/** Calls and options of the rows that speak of both: "`drain`, `waitFor`: `signal`". */
const ofCalls = [...manual.matchAll(/^\| ([^|:]+): ([^|:]+) \|/gm)].flatMap(([, calls = '', options = '']) =>
  namesIn(calls).flatMap((call) => namesIn(options).map((option) => `${call}: ${option}`)),
)

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
}

test.each([
  ['drain', 'drain.ts', 'DrainOptions'],
  ['list', 'list.ts', 'ListOptions'],
  ['stop', 'process-options.ts', 'StopOptions'],
  ['waitFor', 'wait-for.ts', 'WaitOptions'],
  ['events', 'event-stream.ts', 'EventsOptions'],
  ['follow', 'follow/follow.ts', 'FollowOptions'],
])('the options of the call %s are in the table', (call, file, declaration) => {
  const members = membersOf(`packages/core/src/${file}`, declaration)
  expect(members.length).toBeGreaterThanOrEqual(1)
  expect(ofCalls.filter((row) => row.startsWith(`${call}: `)).toSorted()).toEqual(
    members.map((member) => `${call}: ${member}`).toSorted(),
  )
})

test('events, outcomes and errors are all there', () => {
  for (const name of EVENT_NAMES) expect(manual).toContain(`\`${name}\``)
  for (const { name } of [complete, retry, deadLetter, snooze, NotRetriable]) expect(manual).toContain(name)
  const codes = membersOf('packages/core/src/errors.ts', 'QueueErrorCode')
  expect(codes.length).toBeGreaterThanOrEqual(12)
  for (const code of codes) expect(manual).toContain(`\`${code}\``)
  const ofStores = membersOf('packages/storage/src/port/errors.ts', 'StoreErrorCode')
  expect(ofStores.length).toBeGreaterThanOrEqual(7)
  for (const code of ofStores) expect(operations).toContain(`\`${code}\``)
})

/** `30,000`, `1 MiB`, `256 KiB`. */
function numberIn(cell: string): number | undefined {
  const [, digits, unit] = /^([\d,]+)(?: (KiB|MiB))?$/.exec(cell) ?? []
  if (digits === undefined) return undefined
  return Number(digits.replaceAll(',', '')) * (unit === 'KiB' ? 1024 : unit === 'MiB' ? 1024 ** 2 : 1)
}

test('defaults in the tables are those of the code', () => {
  const store = createMemoryStore()
  const defaults: Record<string, unknown> = { ...resolveProcessOptions(), ...resolveQueueOptions({ name: 'q', store }) }
  const rows = [...manual.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name = '', cell = '']) => ({ name, cell }))
  const numbers = rows.filter(({ name, cell }) => name in defaults && numberIn(cell) !== undefined)
  expect(numbers.length).toBeGreaterThanOrEqual(10)
  for (const { name, cell } of numbers) expect([name, numberIn(cell)]).toEqual([name, defaults[name]])
})
