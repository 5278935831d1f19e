/** Where actors wait for their turn: each says what its next step touches, and goes on when it is told to. */

/** What a step touches. Two steps that touch nothing in common may change places without anybody noticing. */
export interface Footprint {
  readonly label: string
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  /** Calls of the store begin and end in steps of their own, since their order decides which answers are right. */
  readonly edge?: 'begin' | 'end' | undefined
}

export interface Waiting extends Footprint {
  /** The same for the same step in every run that made the same choices before. */
  readonly id: string
  readonly actor: number
}

export interface Board {
  /** Waits for the turn of `actor`. */
  turn(actor: number, footprint: Footprint): Promise<void>
  waiting(): readonly Waiting[]
  /** How many turns the actor has had. */
  granted(actor: number): number
  /** Writes down what a step of the actor showed it: all that its further steps can depend on. */
  note(actor: number, observation: string): void
  /** All that was written down, by actor. */
  notes(): string
  /** Lets one go on, and returns when all actors wait or have ended. */
  grant(id: string): Promise<void>
}

export function createBoard(): Board {
  const waiting = new Map<string, { readonly step: Waiting; readonly go: () => void }>()
  const counts = new Map<number, number>()
  const grants = new Map<number, number>()
  const notes = new Map<number, string>()
  return {
    turn(actor, footprint) {
      const n = counts.get(actor) ?? 0
      counts.set(actor, n + 1)
      const id = `${actor}.${n}`
      return new Promise((go) => {
        waiting.set(id, { step: { ...footprint, id, actor }, go })
      })
    },
    waiting: () => [...waiting.values()].map(({ step }) => step),
    granted: (actor) => grants.get(actor) ?? 0,
    note(actor, observation) {
      notes.set(actor, `${notes.get(actor) ?? ''}${observation}\n`)
    },
    notes: () =>
      [...notes]
        .sort(([a], [b]) => a - b)
        .flat()
        .join(' '),
    async grant(id) {
      const entry = waiting.get(id)
      if (entry === undefined) throw new Error(`Nobody waits as ${id}: the scenario is not deterministic.`)
      waiting.delete(id)
      grants.set(entry.step.actor, (grants.get(entry.step.actor) ?? 0) + 1)
      entry.go()
      await quiet()
    },
  }
}

/** Everything that the actors do between two turns is done in microtasks. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether the order of two steps of different actors can matter. */
export function conflicts(a: Footprint, b: Footprint): boolean {
  if (a.edge !== undefined || b.edge !== undefined)
    return a.edge !== undefined && b.edge !== undefined && a.edge !== b.edge
  const touches = (writes: readonly string[], other: Footprint): boolean =>
    writes.some((path) => [...other.reads, ...other.writes].some((p) => isRelated(path, p)))
  return touches(a.writes, b) || touches(b.writes, a)
}

function isRelated(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}
