/**
 * Every order in which the system calls of two or three processes can follow each other, on one object, from every state that an
 * object can be in. After each run: could one object that takes one call at a time have answered all this? Can the object be
 * written and read? Does a sweep find everything that is left over?
 *
 * With `S3QUEUE_EXPLORE=all`, all groups of three calls are run instead of those that are listed: minutes instead of seconds.
 */
import { expect, test } from 'vitest'
import type { Move } from './model/actors.ts'
import { exploreMoves } from './model/explore-moves.ts'
import { prepareStart, START_NAMES, type StartName } from './model/start.ts'

const MOVES: readonly Move[] = ['create', 'if-start', 'overwrite', 'delete', 'get', 'get-if-changed', 'list']

function pairs(moves: readonly Move[]): (readonly [Move, Move])[] {
  return moves.flatMap((a, i) => moves.slice(i).map((b) => [a, b] as const))
}

/** Machines that are busy with other things need their time. */
const timeout = { timeout: 120_000 }

test.each(START_NAMES)(
  'an object that is %s answers any two calls as if they came one by one',
  timeout,
  async (name) => {
    const start = await prepareStart(name)
    for (const [a, b] of pairs(MOVES)) {
      const { runs } = await exploreMoves(start, [[a], [b]])
      expect(runs, `${a} and ${b}`).toBeGreaterThan(0)
    }
  },
)

test.each<StartName>(['absent', 'born', 'changed'])(
  'an object that is %s stays whole when one of two processes crashes at any call',
  timeout,
  async (name) => {
    const start = await prepareStart(name)
    for (const crashing of ['create', 'if-start', 'overwrite', 'delete'] as const) {
      for (const other of ['get', 'if-start', 'overwrite', 'delete'] as const) {
        await exploreMoves(start, [[crashing], [other]], { crashing: 0 })
      }
    }
  },
)

test('old versions are removed by a process that crashes', timeout, async () => {
  const start = await prepareStart('changed often')
  for (const other of ['get', 'if-start', 'delete'] as const) {
    await exploreMoves(start, [['if-start'], [other]], { crashing: 0 })
  }
})

test.each<StartName>(['born', 'changed', 'changed often'])(
  'an object that is %s is read right from a directory that shows more than one moment',
  timeout,
  async (name) => {
    const start = await prepareStart(name)
    for (const reader of ['get', 'overwrite', 'list'] as const) {
      for (const writer of ['if-start', 'overwrite', 'delete'] as const) {
        await exploreMoves(start, [[reader], [writer]], { tornEntries: true })
      }
    }
    await exploreMoves(start, [['get'], ['if-own', 'if-own']], { tornEntries: true })
  },
)

const TRIPLES: readonly (readonly [StartName, Move, Move, Move])[] = [
  ['absent', 'create', 'create', 'create'],
  ['absent', 'overwrite', 'overwrite', 'get'],
  ['born', 'if-start', 'if-start', 'if-start'],
  ['born', 'if-start', 'if-start', 'delete'],
  ['born', 'if-start', 'delete', 'get'],
  ['born', 'create', 'if-start', 'delete'],
  ['changed', 'if-start', 'if-start', 'get'],
  ['changed', 'create', 'if-start', 'delete'],
  ['reborn', 'if-start', 'overwrite', 'list'],
]

function allTriples(): (readonly [StartName, Move, Move, Move])[] {
  const moves = MOVES.filter((move) => move !== 'get-if-changed')
  const starts: StartName[] = ['absent', 'born', 'changed']
  return starts.flatMap((start) =>
    moves.flatMap((a, i) => pairs(moves.slice(i)).map(([b, c]) => [start, a, b, c] as const)),
  )
}

test.each(process.env.S3QUEUE_EXPLORE === 'all' ? allTriples() : TRIPLES)(
  'three processes: %s, then %s, %s and %s',
  timeout,
  async (name, ...moves) => {
    const { runs, states } = await exploreMoves(
      await prepareStart(name),
      moves.map((move) => [move]),
    )
    expect(runs).toBeGreaterThan(0)
    expect(states).toBeGreaterThan(20)
  },
)

test.each<{ readonly what: string; readonly start: StartName; readonly actors: readonly (readonly Move[])[] }>([
  {
    what: 'a slow first follower finds that the object was followed, deleted and made again',
    start: 'born',
    actors: [['if-start', 'if-own', 'delete', 'create'], ['if-start']],
  },
  {
    what: 'a slow follower finds another life of the object',
    start: 'changed',
    actors: [['delete', 'create', 'if-own'], ['if-start']],
  },
  { what: 'a slow reader meets two lives', start: 'changed', actors: [['delete', 'create', 'if-own'], ['get']] },
  { what: 'a slow deleter meets another life', start: 'born', actors: [['delete', 'create', 'if-own'], ['delete']] },
  {
    what: 'two writers in turn',
    start: 'born',
    actors: [
      ['overwrite', 'delete'],
      ['overwrite', 'get'],
    ],
  },
  {
    what: 'reads never go back',
    start: 'born',
    actors: [
      ['if-own', 'if-own'],
      ['get', 'get'],
    ],
  },
  {
    what: 'reads never go back while old versions are removed',
    start: 'changed often',
    actors: [
      ['if-own', 'if-own'],
      ['get', 'get'],
    ],
  },
  {
    what: 'two counters',
    start: 'changed',
    actors: [
      ['get', 'if-own'],
      ['get', 'if-own'],
    ],
  },
  {
    what: 'two that lock by creating',
    start: 'absent',
    actors: [
      ['create', 'delete'],
      ['create', 'delete'],
    ],
  },
])('$what', timeout, async ({ start, actors }) => {
  const { runs } = await exploreMoves(await prepareStart(start), actors)
  expect(runs).toBeGreaterThan(1)
})
