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
  /** From now on, it is a step like any other that `actor` crashes: it never gets a turn after that. */
  mayCrash(actor: number): void
  waiting(): readonly Waiting[]
  /** Whether the actor has crashed. */
  hasCrashed(actor: number): boolean
  /** Writes down what a step of the actor showed it: all that its further steps can depend on. */
  note(actor: number, observation: string): void
  /** All that was written down, and who has crashed. */
  notes(): string
  /** Lets one go on, and returns when all actors wait or have ended. */
  grant(id: string): Promise<void>
}

export function createBoard(): Board {
  const waiting = new Map<string, { readonly step: Waiting; readonly go: () => void }>()
  const counts = new Map<number, number>()
  const notes = new Map<number, string>()
  const crashed = new Set<number>()
  const wait = (actor: number, kind: string, footprint: Footprint, go: () => void): void => {
    const n = counts.get(actor) ?? 0
    if (kind === '') counts.set(actor, n + 1)
    const id = `${actor}.${kind}${kind === '' ? n : ''}`
    waiting.set(id, { step: { ...footprint, id, actor }, go })
  }
  return {
    turn: (actor, footprint) => new Promise((go) => wait(actor, '', footprint, go)),
    mayCrash(actor) {
      wait(actor, 'crash', { label: 'crash', reads: [], writes: [] }, () => crashed.add(actor))
    },
    waiting: () => [...waiting.values()].map(({ step }) => step).filter(({ actor }) => !crashed.has(actor)),
    hasCrashed: (actor) => crashed.has(actor),
    note(actor, observation) {
      notes.set(actor, `${notes.get(actor) ?? ''}${observation}\n`)
    },
    notes: () => [...[...notes].sort(([a], [b]) => a - b), ...crashed].flat().join(' '),
    async grant(id) {
      const entry = waiting.get(id)
      if (entry === undefined) throw new Error(`Nobody waits as ${id}: the scenario is not deterministic.`)
      waiting.delete(id)
      entry.go()
      await quiet()
    },
  }
}

/** Everything that the actors do between two turns is done in microtasks. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether the order of two steps can matter. */
export function conflicts(a: Waiting, b: Waiting): boolean {
  if (a.actor === b.actor) return true
  if (a.edge !== undefined || b.edge !== undefined)
    return a.edge !== undefined && b.edge !== undefined && a.edge !== b.edge
  const touches = (writes: readonly string[], other: Footprint): boolean =>
    writes.some((path) => [...other.reads, ...other.writes].some((p) => isRelated(path, p)))
  return touches(a.writes, b) || touches(b.writes, a)
}

function isRelated(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}
