/** Runs the moves of several actors on one object in every order of their system calls, and checks each run. */
import type { Durability } from '../../src/index.ts'
import { act, type Move, storeOn, turns } from './actors.ts'
import type { Board } from './board.ts'
import { type Exploration, explore, type Run } from './explore.ts'
import { createHistory, type History } from './history.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { type ScheduledOptions, scheduled } from './scheduled.ts'
import { assertSound, type Start } from './start.ts'

export interface ExploreOptions extends ScheduledOptions {
  /** Default `none`. */
  readonly durability?: Durability | undefined
  /** Called in every state with the disk and what was called so far. */
  readonly visit?: ((disk: MemoryDisk, history: History) => Promise<void>) | undefined
  /** This actor crashes, at any of its steps or after them. */
  readonly crashing?: number | undefined
}

export async function exploreMoves(
  start: Start,
  actors: readonly (readonly Move[])[],
  options: ExploreOptions = {},
): Promise<Exploration> {
  const { crashing, visit } = options
  const scenario = async (board: Board): Promise<Run> => {
    const disk = start.disk()
    const history = createHistory()
    const ready = await Promise.all(
      actors.map(async (moves, actor) => {
        const { fs, arm } = scheduled(disk, actor, board, options)
        const store = storeOn(fs, 100 + actor, options.durability)
        // Only what may change something opens the directory.
        await store.delete(['opened'])
        return { moves, store, arm, turn: turns(board, actor), name: String.fromCharCode(65 + actor) }
      }),
    )
    const ended = ready.map(({ moves, store, arm, turn, name }) => {
      arm()
      return act({ name, store, history, startEtag: start.etag }, moves, turn)
    })
    if (crashing !== undefined) board.mayCrash(crashing)
    return {
      fingerprint: () => [disk.describe(), history.describe(), board.notes()].join('\n'),
      visit: visit && (() => visit(disk, history)),
      async check() {
        await Promise.all(ended.filter((_, actor) => !board.hasCrashed(actor)))
        await assertSound(disk, history, start)
      },
    }
  }
  return explore(scenario)
}
