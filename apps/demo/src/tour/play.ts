/** Plays one scene: prints what it says and whether its checks hold, and does not let it hang. */
import type { Scene, Stage } from './scene.ts'

export interface Playing {
  readonly print: (line: string) => void
  /** How long the scene may take. */
  readonly limitMs: number
  /** Aborted when the user wants to stop. */
  readonly interrupt: AbortSignal
}

export interface Played {
  readonly checks: number
  readonly failed: number
  /** The scene came to its end; if not, what it left behind would spoil the next. */
  readonly ended: boolean
}

/** Rejects with the reason of `interrupt`, and with nothing else: a scene that throws is one that failed. */
export async function playScene(
  scene: Scene,
  props: Pick<Stage, 'queue' | 'store' | 'witness'>,
  { print, limitMs, interrupt }: Playing,
): Promise<Played> {
  let [checks, failed] = [0, 0]
  const check = (what: string, holds: boolean): void => {
    print(`    ${holds ? '✓' : '✗'} ${what}`)
    checks++
    if (!holds) failed++
  }
  const say = (line: string): void => print(`    ${line}`)
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(new Error(`It is not done after ${limitMs / 1000} s.`)), limitMs)
  try {
    await Promise.race([scene.play({ ...props, say, check }), rejectWhenAborted([limit.signal, interrupt])])
    return { checks, failed, ended: true }
  } catch (error) {
    if (interrupt.aborted) throw error
    check(`the scene plays to its end (${error instanceof Error ? error.message : error})`, false)
    return { checks, failed, ended: false }
  } finally {
    clearTimeout(timer)
  }
}

function rejectWhenAborted(signals: AbortSignal[]): Promise<never> {
  const signal = AbortSignal.any(signals)
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}
