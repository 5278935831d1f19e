/**
 * What the actors do, as a tree: a node is an actor that has been told a certain row of answers. Real code runs
 * once for each node, however many of the world's states the node is part of.
 *
 * To make a node, an actor is started anew and told the answers again from the start; or, where there is one that stands
 * just there and is not needed for anything else, that one goes on. A bounded number of those is kept.
 */
import { Actor, type ActorEvent, quiet, type Script, type Timer, type Waiting } from './actor.ts'
import type { Contents } from './contents.ts'
import type { Interner } from './interner.ts'
import type { Request } from './request.ts'

const IDLE_ACTORS = 4000

/** A request under way, with its number among all requests. */
export interface Outstanding extends Waiting {
  readonly id: number
}

/** What an input does to an actor. */
export interface Reaction {
  readonly next: Behaviour
  /** What was reported on the way. */
  readonly events: readonly ActorEvent[]
  /** Requests that were waited for and are given up. */
  readonly abandoned: readonly Outstanding[]
}

/** An actor at rest: it waits for answers, for a choice, for timers, or has ended. */
export interface Behaviour {
  readonly id: number
  readonly process: number
  readonly parent: Behaviour | undefined
  /** The input that led here from the parent, and the time it came. */
  readonly input: string
  readonly time: number
  readonly reactions: Map<string, Reaction>
  readonly waiting: readonly Outstanding[]
  readonly timers: readonly Timer[]
  readonly ended: boolean
  readonly trustedUntil: number | undefined
}

export interface Starter {
  readonly name: (process: number) => string
  readonly script: (process: number) => Script
  readonly timed: boolean
}

export class Behaviours {
  /** How many times real code was run from its start, and how many answers it was told. */
  runs = 0
  answers = 0
  readonly #contents: Contents
  readonly #requests: Interner<Request>
  readonly #starter: Starter
  readonly #nodes: Behaviour[] = []
  readonly #roots = new Map<number, Reaction>()
  readonly #remembered = new Map<string, Behaviour>()
  readonly #idle = new Map<Behaviour, Actor>()

  constructor(contents: Contents, requests: Interner<Request>, starter: Starter) {
    this.#contents = contents
    this.#requests = requests
    this.#starter = starter
  }

  get size(): number {
    return this.#nodes.length
  }

  /** Numbers are from 1 on. */
  at(id: number): Behaviour {
    return this.#nodes[id - 1] as Behaviour
  }

  /** The start of a process at `time`. */
  async root(process: number, time: number): Promise<Reaction> {
    const key = process * 1024 + time
    const known = this.#roots.get(key)
    if (known !== undefined) return known
    const actor = this.#start(process, time)
    await quiet()
    const reaction = this.#reaction(actor, process, undefined, 'start', time)
    this.#roots.set(key, reaction)
    return reaction
  }

  /** What `input` does to the actor of `node` at `time`, if that is known. */
  known(node: Behaviour, input: string, time: number): Reaction | undefined {
    return node.reactions.get(input) ?? node.reactions.get(`${input}@${time}`)
  }

  /** The actor of `parent` after one more input. */
  async after(parent: Behaviour, input: string, time: number): Promise<Reaction> {
    const actor = this.#idle.get(parent) ?? (await this.#replay(parent))
    this.#idle.delete(parent)
    actor.events = []
    this.answers++
    actor.tell(input, time)
    await quiet()
    // Who does not look at the clock does the same at any time.
    const when = actor.sawTime ? `${input}@${time}` : input
    const reaction = this.#reaction(actor, parent.process, parent, input, time)
    parent.reactions.set(when, reaction)
    return reaction
  }

  #start(process: number, time: number): Actor {
    this.runs++
    const { name, script, timed } = this.#starter
    return new Actor(name(process), this.#contents, time, timed, script(process))
  }

  async #replay(node: Behaviour): Promise<Actor> {
    const told: Behaviour[] = []
    let root = node
    for (; root.parent !== undefined; root = root.parent) told.push(root)
    const actor = this.#start(node.process, root.time)
    await quiet()
    for (let next = told.pop(); next !== undefined; next = told.pop()) {
      this.answers++
      actor.tell(next.input, next.time)
      await quiet()
    }
    return actor
  }

  #reaction(actor: Actor, process: number, parent: Behaviour | undefined, input: string, time: number): Reaction {
    const waiting = actor.waiting.map((w): Outstanding => ({ ...w, id: this.#requests.idOf(w.request) }))
    const still = new Set(waiting.map((w) => w.sequence))
    const answered = Number(input.slice(0, input.indexOf('=')))
    const dropped = (parent?.waiting ?? []).filter((w) => w.sequence !== answered && !still.has(w.sequence))
    return {
      next: this.#nodeOf(actor, process, { parent, input, time }, waiting),
      events: actor.events,
      abandoned: actor.ended ? [...dropped, ...waiting] : dropped,
    }
  }

  #nodeOf(
    actor: Actor,
    process: number,
    origin: Pick<Behaviour, 'parent' | 'input' | 'time'>,
    waiting: readonly Outstanding[],
  ): Behaviour {
    const memory = actor.memory === '' ? '' : `${process} ${actor.memory}`
    const remembered = memory === '' ? undefined : this.#remembered.get(memory)
    if (remembered !== undefined) return remembered
    const node: Behaviour = {
      id: this.#nodes.length + 1,
      process,
      ...origin,
      reactions: new Map(),
      waiting: actor.ended ? [] : waiting,
      timers: actor.timers,
      ended: actor.ended,
      trustedUntil: actor.trustedUntil,
    }
    this.#nodes.push(node)
    if (memory !== '') this.#remembered.set(memory, node)
    if (!actor.ended) this.#keep(node, actor)
    return node
  }

  #keep(node: Behaviour, actor: Actor): void {
    this.#idle.set(node, actor)
    if (this.#idle.size <= IDLE_ACTORS) return
    const oldest = this.#idle.keys().next().value
    if (oldest !== undefined) this.#idle.delete(oldest)
  }
}
