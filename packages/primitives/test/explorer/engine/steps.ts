/**
 * The state of the world after a move.
 *
 * A request takes place and is answered in one step: whatever a process does with an answer shows at its next
 * request alone, and that is a step of its own. Where that is not enough, because time matters, `slowAnswers` takes them apart.
 */
import { answering, firing } from './actor.ts'
import type { Outstanding, Reaction } from './behaviours.ts'
import { Eagerness } from './eagerness.ts'
import type { Fate, Move } from './move.ts'
import type { Parts } from './parts.ts'
import { DOWN, REFUSED_TWICE, STORED, UNKNOWN } from './request.ts'
import { FAULTS, MONITOR, STARTED, STORE, TIME } from './row.ts'
import { Violation } from './scenario.ts'

/** More requests than any process makes in one move, all of whose answers are settled. A walk through all slots and its detours takes dozens. */
const EAGER_LIMIT = 1000
/** The trace shows the beginning of such a row of requests. */
const EAGER_SHOWN = 40

export class Steps<M> {
  /** Called with each request that is served at once as a part of another move. */
  onEager: ((row: Int32Array, place: number, waiting: Outstanding) => void) | undefined
  readonly #parts: Parts<M>
  readonly #eagerness: Eagerness<M>

  constructor(parts: Parts<M>) {
    this.#parts = parts
    this.#eagerness = new Eagerness(parts)
  }

  /** Writes the state after `move` into `next`; a promise where real code has to run for it. Throws `Violation`. */
  apply(row: Int32Array, move: Move, next: Int32Array): Promise<void> | undefined {
    next.set(row)
    const running = this.#make(row, move, next)
    return running === undefined ? this.#settle(next) : running.then(() => this.#settle(next))
  }

  /** Throws a `Violation` if that has no end: a process that makes the same requests over and over would hang the exploration. */
  #settle(next: Int32Array, before = 0): Promise<void> | undefined {
    const { layout } = this.#parts
    let served = before
    for (let place = 0; place < layout.aliveIn(next); place++) {
      const eager = this.#eagerness.at(next, place)
      if (eager === undefined) continue
      if (++served > EAGER_LIMIT) {
        const { process } = this.#parts.behaviours.at(layout.actorAt(next, place))
        throw new Violation(`${this.#parts.nameOf(process)} makes requests without end, although no answer changes`)
      }
      if (served <= EAGER_SHOWN) this.onEager?.(next, place, eager)
      const running = this.#answer(next, place, eager, 'served')
      if (running !== undefined) return running.then(() => this.#settle(next, served))
      place = -1
    }
    this.#eagerness.trim(next)
    return undefined
  }

  #make(row: Int32Array, move: Move, next: Int32Array): Promise<void> | undefined {
    const { layout, stores, answers } = this.#parts
    switch (move.kind) {
      case 'start':
        if (move.instead >= 0) this.#crash(next, move.instead)
        return this.#start(next, move.role)
      case 'answer':
        return this.#answer(next, move.place, move.waiting, move.fate)
      case 'choose':
        return this.#tell(next, move.place, answering(move.waiting.sequence, move.option))
      case 'deliver': {
        const answer = answers.valueOf(layout.answerAt(row, move.place) - 1)
        layout.setAnswer(next, move.place, 0)
        return this.#tell(next, move.place, answer)
      }
      case 'land':
        layout.removeFlight(next, move.place)
        this.#carryOut(next, layout.flightAt(row, move.place) - 1)
        return undefined
      case 'remove':
        next[STORE] = stores.without(row[STORE] as number, move.key)
        return undefined
      case 'fire':
        return this.#tell(next, move.place, firing(move.timer))
      case 'pass':
        next[TIME] = (row[TIME] as number) + 1
        // Until a timer that is due has fired nobody acts on what it is about to end.
        if (this.#parts.dueTimer(next) === undefined) this.#assertHolders(next)
        return undefined
    }
  }

  async #start(next: Int32Array, role: number): Promise<void> {
    const { behaviours, layout } = this.#parts
    const process = role * 16 + this.#parts.startedOf(next, role)
    next[STARTED] = (next[STARTED] as number) + (1 << (4 * role))
    const reaction = await behaviours.root(process, next[TIME] as number)
    const place = layout.insertActor(next, reaction.next.id, (id) => behaviours.at(id).process)
    this.#become(next, place, reaction)
  }

  /** The process is gone. What it had sent is still under way, where there is room. */
  #crash(next: Int32Array, place: number): void {
    const { behaviours, layout } = this.#parts
    const isAnswered = layout.answerAt(next, place) !== 0
    if (!isAnswered) this.#letGo(next, behaviours.at(layout.actorAt(next, place)).waiting)
    layout.removeActor(next, place)
  }

  #answer(next: Int32Array, place: number, waiting: Outstanding, fate: Fate): Promise<void> | undefined {
    const { layout, answers, scenario } = this.#parts
    if (fate !== 'served') next[FAULTS] = (next[FAULTS] as number) + 1
    if (fate === 'late') layout.addFlight(next, waiting.id)
    const takesPlace = fate === 'served' || fate === 'mute' || fate === 'twice'
    const reply = takesPlace ? this.#carryOut(next, waiting.id) : ''
    const unanswered = waiting.request.kind === 'put' ? UNKNOWN : DOWN
    const told = fate === 'served' ? reply : fate === 'twice' ? REFUSED_TWICE : unanswered
    if (!scenario.faults.slowAnswers || fate !== 'served' || !told.startsWith(STORED)) {
      return this.#tell(next, place, answering(waiting.sequence, told))
    }
    layout.setAnswer(next, place, answers.idOf(answering(waiting.sequence, told)) + 1)
    return undefined
  }

  #carryOut(next: Int32Array, request: number): string {
    const before = next[STORE] as number
    const step = this.#parts.stores.step(before, request)
    if (step.wrote) next[MONITOR] = this.#parts.watch.written(next[MONITOR] as number, before, request)
    next[STORE] = step.next
    return step.reply
  }

  #tell(next: Int32Array, place: number, input: string): Promise<void> | undefined {
    const { behaviours, layout } = this.#parts
    const node = behaviours.at(layout.actorAt(next, place))
    const time = next[TIME] as number
    const known = behaviours.known(node, input, time)
    if (known === undefined) return behaviours.after(node, input, time).then((r) => this.#become(next, place, r))
    this.#become(next, place, known)
    return undefined
  }

  #become(next: Int32Array, place: number, reaction: Reaction): void {
    const { layout, watch, scenario } = this.#parts
    const node = reaction.next
    layout.setActor(next, place, node.id)
    if (reaction.events.length > 0) {
      next[MONITOR] = watch.reported(next[MONITOR] as number, reaction, this.#parts.nameOf(node.process))
    }
    if (reaction.abandoned.length > 0) {
      if (layout.answerAt(next, place) === 0) this.#letGo(next, reaction.abandoned)
      layout.setAnswer(next, place, 0)
    }
    if (node.ended || node.waiting.some(({ request }) => scenario.beyond?.(request))) layout.removeActor(next, place)
    else if (node.waiting.length === 0 && node.timers.length === 0) {
      throw new Violation(`${this.#parts.nameOf(node.process)} waits for nothing and goes on no more`)
    }
    this.#assertHolders(next)
  }

  #letGo(next: Int32Array, requests: readonly Outstanding[]): void {
    const { layout } = this.#parts
    for (const { request, id } of requests) {
      if ((request.kind === 'put' || request.kind === 'delete') && layout.hasRoom(next)) layout.addFlight(next, id)
    }
  }

  #assertHolders(row: Int32Array): void {
    const { scenario, layout, behaviours } = this.#parts
    if (scenario.holders === undefined) return
    let trusting = 0
    for (let place = 0; place < layout.aliveIn(row); place++) {
      const until = behaviours.at(layout.actorAt(row, place)).trustedUntil
      if (until !== undefined && (row[TIME] as number) < until) trusting++
    }
    if (trusting > scenario.holders) throw new Violation(`${trusting} processes trust themselves to be the holder`)
  }
}
