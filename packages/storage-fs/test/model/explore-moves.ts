/** Runs the moves of several actors on one object in every order of their system calls, and checks each run. */
import { act, type Move, storeOn, turns } from './actors.ts'
import type { Board } from './board.ts'
import { type Exploration, explore, type Run } from './explore.ts'
import { createHistory } from './history.ts'
import { type ScheduledOptions, scheduled } from './scheduled.ts'
import { assertSound, type Start } from './start.ts'

export interface ExploreOptions extends ScheduledOptions {
  /** This actor crashes after so many steps. */
  readonly crash?: { readonly actor: number; readonly after: number } | undefined
}

export async function exploreMoves(
  start: Start,
  actors: readonly (readonly Move[])[],
  options: ExploreOptions = {},
): Promise<Exploration> {
  const { crash } = options
  const scenario = async (board: Board): Promise<Run> => {
    const disk = start.disk()
    const history = createHistory()
    const ready = await Promise.all(
      actors.map(async (moves, actor) => {
        const { fs, arm } = scheduled(disk, actor, board, options)
        const store = storeOn(fs, 100 + actor)
        await store.get('opened')
        return { moves, store, arm, turn: turns(board, actor), name: String.fromCharCode(65 + actor) }
      }),
    )
    const ended = ready.map(({ moves, store, arm, turn, name }) => {
      arm()
      return act({ name, store, history, startEtag: start.etag }, moves, turn)
    })
    return {
      fingerprint: () => [disk.describe(), history.describe(), board.notes()].join('\n'),
      async check() {
        if (crash === undefined) await Promise.all(ended)
        await assertSound(disk, history, start)
      },
    }
  }
  return explore(scenario, (step, made) => step.actor !== crash?.actor || made < crash.after)
}
