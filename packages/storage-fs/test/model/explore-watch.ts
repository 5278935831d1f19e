/**
 * Runs one process that watches and others that change things, in every order of their system calls and of the events that the system
 * reports. The watcher reads when its watch has begun and whenever it is notified; at the end it must have seen how things are.
 */
import { createIds, seededRandom } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { expect } from 'vitest'
import { unless } from '../../src/file-system.ts'
import { createStoreOn } from '../../src/fs-store.ts'
import { act, KEY, type Move, storeOn, turns } from './actors.ts'
import { type Board, quiet } from './board.ts'
import { type Exploration, explore, type Run } from './explore.ts'
import { createHistory } from './history.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { scheduled } from './scheduled.ts'
import type { Start } from './start.ts'

/** What a changing process does: moves on the key, and `sweep`, which removes the key's directory if it is empty. */
export type Change = Move | 'sweep'

/** A clock whose timers fire as soon as they are set: nothing that comes later can hide behind a notification that is due. */
const promptClock = {
  ...createManualClock(),
  setTimer(_: number, callback: () => void) {
    let isDue = true
    queueMicrotask(() => isDue && callback())
    return () => {
      isDue = false
    }
  },
}

export async function exploreWatch(
  start: Start,
  prefix: string,
  changers: readonly (readonly Change[])[],
): Promise<Exploration> {
  const scenario = async (board: Board): Promise<Run> => {
    const disk = start.disk()
    const watcher = await prepareWatcher(disk, board)
    const history = createHistory()
    const ready = await Promise.all(
      changers.map(async (changes, i) => {
        const actor = i + 1
        const { fs, arm } = scheduled(disk, actor, board)
        const store = storeOn(fs, 100 + actor)
        await store.get('opened')
        const name = String.fromCharCode(65 + actor)
        return async () => {
          arm()
          const turn = turns(board, actor)
          for (const moves of inGroups(changes)) {
            if (moves.length === 0) await unless(['ENOENT', 'ENOTEMPTY'], fs.removeDirectory('/d'))
            else await act({ name, store, history, startEtag: start.etag }, moves, turn)
          }
        }
      }),
    )
    watcher.begin(prefix)
    const ended = ready.map((begin) => begin())
    return {
      fingerprint: () => {
        const waiting = board.waiting().map(({ actor, label }) => `${actor} ${label}`)
        return [disk.describe(), board.notes(), watcher.describe(), ...waiting.sort()].join('\n')
      },
      async check() {
        await Promise.all(ended)
        await watcher.check()
      },
    }
  }
  return explore(scenario)
}

/** The moves before, between and after sweeps, with an empty group for each sweep. */
function inGroups(changes: readonly Change[]): Move[][] {
  const groups: Move[][] = [[]]
  for (const change of changes) {
    if (change === 'sweep') groups.push([], [])
    else groups.at(-1)?.push(change)
  }
  return groups.filter((group, i) => group.length > 0 || i % 2 === 1)
}

async function prepareWatcher(disk: MemoryDisk, board: Board) {
  const { fs, arm } = scheduled(disk, 0, board)
  const ids = createIds(promptClock, seededRandom(7))
  const store = createStoreOn(fs, { directory: '/', durability: 'none', clock: promptClock, ids })
  await store.get('opened')
  const reader = storeOn(disk, 8)
  const stateNow = async (): Promise<string> => {
    const result = await reader.get(KEY)
    return result.outcome === 'found' ? result.etag : result.outcome
  }
  const controller = new AbortController()
  let seen = 'nothing yet'
  let begun: boolean | undefined
  const read = async (): Promise<void> => {
    seen = await stateNow()
  }
  return {
    describe: () => `${begun} ${seen}`,
    begin(prefix: string): void {
      arm()
      void store.watch?.({ prefix, onChange: () => void read(), signal: controller.signal }).then((answer) => {
        begun = answer
        return read()
      })
    },
    async check(): Promise<void> {
      await quiet()
      expect(begun, 'the watch began').toBe(true)
      expect(seen, 'what the watcher saw last').toBe(await stateNow())
      controller.abort()
      expect(disk.watched(), 'watches that are left open').toBe(0)
    },
  }
}
