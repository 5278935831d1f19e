/** One scene of the tour by itself, on a queue of its own, which may lie. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
import { systemClock, withMetering } from '@s3queue/storage'
import { createFsStore } from '@s3queue/storage-fs'
import { type Played, playScene } from '../src/tour/play.ts'
import { PROGRAM } from '../src/tour/program.ts'

/** What the queue does instead of what it ought to. */
export type Lie = (honest: Queue<unknown>) => Partial<Queue<unknown>>

export interface Setting {
  readonly lie?: Lie
  readonly options?: Partial<QueueOptions>
  readonly limitMs?: number
  readonly interrupt?: AbortSignal
}

export interface Seen extends Played {
  readonly lines: readonly string[]
  /** The checks that did not hold. */
  readonly wrong: readonly string[]
}

export async function playAlone(name: string, setting: Setting = {}): Promise<Seen> {
  const { lie, options, limitMs = 15_000, interrupt = new AbortController().signal } = setting
  const scene = PROGRAM[name]
  if (scene === undefined) throw new Error(`There is no scene "${name}".`)
  const directory = await mkdtemp(join(tmpdir(), 'demo-test-'))
  const store = withMetering(createFsStore({ directory }), { clock: systemClock })
  // Short, so that a handler that nobody ends does not hold up the test.
  const queue = createQueue<unknown>({
    ...{ name: 'tour', store, visibilityTimeoutMs: 500 },
    // Some scenes begin with a look.
    ifMissing: 'empty',
    ...options,
  })
  const witness = {
    completed: 0,
    get requests() {
      return store.metrics().requests
    },
  }
  queue.on('completed', () => witness.completed++)
  const lines: string[] = []
  const print = (line: string): void => void lines.push(line.trim())
  try {
    const stage = { queue: lie === undefined ? queue : withLies(queue, lie(queue)), store, witness }
    const played = await playScene(scene, stage, { print, limitMs, interrupt })
    const wrong = lines.filter((line) => line.startsWith('✗')).map((line) => line.slice(2))
    return { ...played, lines, wrong }
  } finally {
    await queue.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function withLies(queue: Queue<unknown>, lies: Partial<Queue<unknown>>): Queue<unknown> {
  return new Proxy(queue, {
    get(honest, name) {
      const value: unknown = Reflect.get(name in lies ? lies : honest, name)
      return typeof value === 'function' ? value.bind(honest) : value
    },
  })
}
