/** docs/plugin.md names every option, and its defaults are those of the code. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { S3QueuePlugin } from '../src/index.ts'
import { resolveS3QueueOptions } from '../src/options.ts'

const page = readFileSync(new URL('../../../docs/plugin.md', import.meta.url), 'utf8')
const [options = ''] = page.slice(page.indexOf('## Options')).split(/^## (?!Options)/m)
const rows = options
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

/** By option, with all its names in the first cell. */
const defaults = new Map(
  rows.flatMap(([, names = '', given = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, given] as const),
  ),
)

it('names every option that there is, once, and no other', () => {
  const named = rows.flatMap(([, names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name))
  expect(named.sort()).toEqual(knownOptions().sort())
})

it('the numbers that it gives as defaults are those of the code', () => {
  const { backoff, retention, ...resolved } = resolveS3QueueOptions({ resource: 'tasks' })
  expect([backoff, retention]).toEqual([undefined, undefined])
  const documented = (name: string): number => Number(defaults.get(name)?.replace(',', ''))
  expect(resolved).toMatchObject({
    concurrency: documented('workers'),
    maxPrefetch: documented('pollBatchSize'),
    visibilityTimeoutMs: documented('visibilityTimeout'),
    maxAttempts: documented('maxRetries'),
    recoveryMs: documented('recoveryInterval'),
    recoveryBatchSize: documented('recoveryBatchSize'),
    pollMs: documented('pollInterval'),
    maxPollMs: documented('maxPollInterval'),
    takeoverAfterMs: 2 * documented('coordinatorElectionInterval'),
    heartbeatMs: documented('heartbeatInterval'),
    lingerMs: documented('linger'),
  })
  expect(documented('dispatchInterval')).toBe(resolved.pollMs)
  for (const name of ['autoExtend', 'autoAcknowledge', 'autoStart', 'verbose'] as const)
    expect(defaults.get(name)).toBe(String(resolved[name]))
  expect(defaults.get('orderingMode')).toBe(`\`'${resolved.orderingMode}'\``)
})

it('what comes later is refused by the names that it gives', () => {
  const [, later = ''] = /Refused by name until they are implemented: (.*)\. Anything/.exec(page) ?? []
  const names = [...later.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) expect(() => new S3QueuePlugin({ resource: 'tasks', [name]: 'x' })).toThrow('not there yet')
})

/** As the plugin tells them to whoever mistypes one. */
function knownOptions(): string[] {
  try {
    new S3QueuePlugin({ resource: 'tasks', ...{ zzz: 1 } })
  } catch (error) {
    return /Known: (.*)\./.exec(String(error))?.[1]?.split(', ') ?? []
  }
  return []
}
