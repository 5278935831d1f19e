/**
 * Every order of the calls of a process that watches, of those that change things, and of the events in between.
 *
 * With `S3QUEUE_EXPLORE=all`, larger scenarios are run as well: minutes instead of seconds.
 */
import { expect, test } from 'vitest'
import { type Change, exploreWatch } from './model/explore-watch.ts'
import { prepareStart, type StartName } from './model/start.ts'

/** Machines that are busy with other things need their time. */
const timeout = { timeout: 300_000 }

type Case = readonly [StartName, readonly (readonly Change[])[]]

const CASES: readonly Case[] = [
  ['absent', [['create', 'delete']]],
  ['absent', [['overwrite', 'overwrite']]],
  ['born', [['if-start', 'if-own']]],
  ['born', [['delete'], ['sweep']]],
  ['born', [['delete', 'sweep', 'create']]],
  ['changed', [['if-start', 'if-own']]],
  ['changed', [['delete', 'create']]],
]

const LARGE: readonly Case[] = [
  ['absent', [['sweep'], ['create']]],
  ['born', [['overwrite', 'delete', 'create']]],
  ['born', [['delete', 'create'], ['sweep']]],
  ['changed', [['delete', 'create', 'if-own']]],
  ['reborn', [['if-start', 'delete']]],
]

const isThorough = process.env.S3QUEUE_EXPLORE === 'all'
const scenarios: readonly (readonly [string, readonly Case[]])[] = isThorough
  ? [
      ['d/k', [...CASES, ...LARGE]],
      ['d/', [...CASES, ...LARGE]],
      ['', CASES],
    ]
  : [
      ['d/k', CASES],
      ['d/', CASES],
    ]

for (const [prefix, cases] of scenarios) {
  test.each(cases)(
    `a watch of "${prefix}" misses nothing once it has begun, from %s, with %j`,
    timeout,
    async (name, changers) => {
      const { runs } = await exploreWatch(await prepareStart(name), prefix, changers)
      expect(runs).toBeGreaterThan(1)
    },
  )
}
