import { createFencedLog } from '@s3queue/primitives'
import { createIds, seededRandom } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { CommitLoop } from '../src/engine/commit-loop.ts'
import { LogTime } from '../src/engine/log-time.ts'
import { queueFold } from '../src/state/fold.ts'

/** A loop over a store that answers at once. `beforeCommit`: what it asks right before each commit, by how often it has asked. */
async function quickLoop(beforeCommit: (loop: CommitLoop, asked: number) => void) {
  const clock = createManualClock()
  const random = seededRandom(1)
  const log = createFencedLog({
    ...{ store: createMemoryStore({ clock }), prefix: 'test/', clock, random },
    ...{ ids: createIds(clock, random), onTrouble: () => {} },
  })
  const { writer, state } = await clock.runUntil(log.takeOver(queueFold, new AbortController().signal))
  const commits: number[] = []
  let asked = 0
  const loop: CommitLoop = new CommitLoop({
    ...{ clock, writer, state, lingerMs: 0, time: new LogTime(clock, () => clock.now(), state.now) },
    beforeCommit: () => beforeCommit(loop, ++asked),
    onSealed: () => undefined,
    onDurable: (slot) => commits.push(slot),
    onFailure: () => {},
    onSkipped: () => {},
  })
  return { clock, loop, commits, asked: () => asked }
}

const CHANGE = { type: 'paused', paused: true } as const

describe('the commit loop', () => {
  it('makes one commit of what is decided for it at the last moment, and does not ask once more', async () => {
    const { clock, loop, commits, asked } = await quickLoop((loop, asked) => {
      if (asked === 1) loop.record([CHANGE])
    })
    loop.wake()
    await clock.advance(1000)
    expect(commits).toHaveLength(1)
    expect(asked()).toBe(1)
  })

  it('asks once more if somebody wants it while a commit is under way', async () => {
    const { clock, loop, commits, asked } = await quickLoop((loop, asked) => {
      if (asked > 1) return
      loop.record([CHANGE])
      loop.wake()
    })
    loop.wake()
    await clock.advance(1000)
    expect(commits).toHaveLength(1)
    expect(asked()).toBe(2)
  })
})
