/** Processes of the model: each has a store of its own on the shared disk, makes its calls one after the other, and records them. */
import { createIds, type ETag, type ObjectStore, seededRandom } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import type { FileSystem } from '../../src/file-system.ts'
import { createStoreOn } from '../../src/fs-store.ts'
import type { Durability } from '../../src/index.ts'
import type { Board } from './board.ts'
import { type Answered, answeredGet, answeredPut, type Called, type History } from './history.ts'

/** In a directory of its own, which comes and goes with it. */
export const KEY = 'd/k'

/**
 * One call. `if-start` is a write on condition that the object is as it was at the start, `if-own` that it is as the actor last
 * wrote or saw it.
 */
export type Move = 'create' | 'if-start' | 'if-own' | 'overwrite' | 'delete' | 'get' | 'get-if-changed' | 'list'

export function storeOn(fs: FileSystem, seed: number, durability: Durability = 'none'): ObjectStore {
  const clock = createManualClock()
  return createStoreOn(fs, { directory: '/', durability, clock, ids: createIds(clock, seededRandom(seed)) })
}

export interface Actor {
  readonly name: string
  readonly store: ObjectStore
  readonly history: History
  /** The ETag that the object had at the start; something that it never had, if there was none. */
  readonly startEtag: ETag
}

/** Makes `moves` one after the other. With a board, waits for its turn to begin each call and to end it. */
export async function act(
  { name, store, history, startEtag }: Actor,
  moves: readonly Move[],
  turn?: (edge: 'begin' | 'end') => Promise<void>,
): Promise<void> {
  let own: ETag = startEtag
  for (const [i, move] of moves.entries()) {
    // Bodies differ in length too, so that the sizes of a list tell them apart.
    const body = `${name}${i}`.padEnd(10 * (name.charCodeAt(0) - 64) + i + 2, '.')
    const called = calledOf(move, body, startEtag, own)
    await turn?.('begin')
    const end = history.begin(called, `${name}${i}`)
    const answered = await make(store, called)
    await turn?.('end')
    end(answered)
    if (answered.answer === 'stored' || answered.answer === 'found') own = answered.etag
  }
}

export function turns(board: Board, actor: number): (edge: 'begin' | 'end') => Promise<void> {
  return (edge) => board.turn(actor, { label: edge, reads: [], writes: [], edge })
}

function calledOf(move: Move, body: string, start: ETag, own: ETag): Called {
  switch (move) {
    case 'if-start':
      return { call: 'if-match', body, etag: start }
    case 'if-own':
      return { call: 'if-match', body, etag: own }
    case 'get-if-changed':
      return { call: 'get', ifNoneMatch: start }
    case 'create':
    case 'overwrite':
      return { call: move, body }
    default:
      return { call: move }
  }
}

async function make(store: ObjectStore, called: Called): Promise<Answered> {
  switch (called.call) {
    case 'get':
      return answeredGet(await store.get(KEY, { ifNoneMatch: called.ifNoneMatch }))
    case 'delete':
      await store.delete([KEY])
      return { answer: 'deleted' }
    case 'list': {
      const { entries } = await store.list({ prefix: '' })
      return { answer: 'listed', size: entries.find((entry) => entry.key === KEY)?.size }
    }
    case 'if-match':
      return answeredPut(
        await store.put(KEY, bytesOf(called.body), { condition: { kind: 'if-match', etag: called.etag } }),
      )
    default:
      return answeredPut(await store.put(KEY, bytesOf(called.body), { condition: { kind: called.call } }))
  }
}

function bytesOf(body: string): Uint8Array {
  return new TextEncoder().encode(body)
}
