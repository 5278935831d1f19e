/**
 * Stands between the code of one virtual process and everything that wakes it: timers and replies. So a process can be stopped at any
 * of its awaits. What has left it (requests on their way) goes on without it.
 *
 * Owns what came while the process stood still. It prevents that a process which is gone does anything ever again.
 */
export type Waking = 'timer' | 'reply'

/** What comes first when a paused process goes on. Node runs expired timers first; a process that was stopped while polling may not. */
export type WakeOrder = 'as-held' | 'timers-first' | 'replies-first'

interface Held {
  readonly kind: Waking
  readonly run: () => void
}

export class Gate {
  #life: 'running' | 'paused' | 'gone' = 'running'
  #held: Held[] = []
  #overdue = 0

  get life(): 'running' | 'paused' | 'gone' {
    return this.#life
  }

  /** Whether the process does at once what it has to do: it runs, and nothing from its pause is left. */
  get isAwake(): boolean {
    return this.#life === 'running' && this.#overdue === 0
  }

  /** Wakes the process with `run`: now, when it goes on, or never. */
  pass(kind: Waking, run: () => void): void {
    if (this.#life === 'running') run()
    else if (this.#life === 'paused') this.#held.push({ kind, run })
  }

  pause(): void {
    if (this.#life === 'running') this.#life = 'paused'
  }

  /** Goes on with what was held, one after the other: `later` gives each a turn of its own. */
  resume(order: WakeOrder, later: (run: () => void) => void): void {
    if (this.#life !== 'paused') return
    this.#life = 'running'
    const held = this.#held
    this.#held = []
    if (order !== 'as-held') {
      const first = order === 'timers-first' ? 'timer' : 'reply'
      held.sort((a, b) => Number(b.kind === first) - Number(a.kind === first))
    }
    this.#overdue += held.length
    for (const { kind, run } of held) {
      later(() => {
        this.#overdue--
        this.pass(kind, run)
      })
    }
  }

  /** Ends the process in the middle of whatever it waits for. */
  crash(): void {
    this.#life = 'gone'
    this.#held = []
  }
}
