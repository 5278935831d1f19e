/**
 * One process: the real code, running against a store that does nothing but note requests and wait to be told the answers.
 *
 * Its ids are counters, its random numbers are all 0, its wall clock stands still, and its monotonic clock shows what it is told. So what it
 * does is a function of the answers alone, and it can be brought to any point of its life again by telling it the same answers.
 */
import type { Clock, Ids, ObjectStore, PutCondition, Random } from '@s3queue/storage'
import { type Contents, contentOfEtag } from './contents.ts'
import { Nonces } from './nonces.ts'
import { answerOf, type Request } from './request.ts'

/** Something that a script reports to the monitor. */
export type ActorEvent = { readonly type: string } & Readonly<Record<string, unknown>>

/** What a script may use. */
export interface ActorPorts {
  /** The name of the process, unique in a run. */
  readonly name: string
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids & Landmarks
  /**
   * Lets the explorer try each of the options. `memory` is all that the process knows at this moment and still can make use of: two
   * lives of a process that come to a choice with the same memory are the same from there on.
   */
  choose(options: readonly string[], memory: unknown): Promise<string>
  emit(event: ActorEvent): void
  /**
   * Marks the writes from now on as those of `call`, and makes their nonces from it: so they do not depend on the order of calls. Each
   * call has a name of its own.
   */
  during(call: string): void
  /** `until` says up to which moment the process trusts itself to hold what is guarded; undefined: it does not. */
  watch(until: () => number | undefined): void
}

/**
 * Where code tells what it knows. The calls are put into the explored copy of the code: see `subjects/code-under-test.ts`.
 */
export interface Landmarks {
  /** From here on nothing matters but `memory`, the current call, and what is held. */
  landmark(memory: unknown): void
  /** Remembers a thing that lives longer than the code between two landmarks. Returns it. */
  holding<T>(thing: T): T
}

export type Script = (ports: ActorPorts) => Promise<void>

export interface Waiting {
  readonly sequence: number
  readonly request: Request
}

export interface Timer {
  readonly sequence: number
  readonly due: number
}

interface Pending extends Waiting {
  readonly settle: (reply: string) => void
}

interface PendingTimer extends Timer {
  readonly callback: () => void
}

const TIMER = 'timer'

export class Actor {
  events: ActorEvent[] = []
  ended = false
  /** Whether the clock was looked at since the last input. */
  sawTime = false
  #now: number
  #sequence = 0
  #call = ''
  /** What was known at the last landmark since the last input, and the number of the first request made from there. */
  #landmark = ''
  #landmarkAt = 0
  #held: unknown
  readonly #nonces: Nonces
  readonly #calls = new Set<string>()
  #until: () => number | undefined = () => undefined
  readonly #contents: Contents
  readonly #timed: boolean
  readonly #waiting = new Map<number, Pending>()
  readonly #timers = new Map<number, PendingTimer>()

  /** `timed`: timers wait until they are told to fire. Otherwise they fire at once: any wait is covered by what others do meanwhile. */
  constructor(name: string, contents: Contents, startsAt: number, timed: boolean, script: Script) {
    this.#now = startsAt
    this.#contents = contents
    this.#nonces = new Nonces(name)
    this.#timed = timed
    script(this.#ports(name)).then(
      () => {
        this.ended = true
      },
      (error: unknown) => {
        this.events.push({
          type: 'failed',
          error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
        })
        this.ended = true
      },
    )
  }

  get waiting(): Waiting[] {
    return Array.from(this.#waiting.values(), ({ sequence, request }) => ({ sequence, request }))
  }

  get timers(): Timer[] {
    return Array.from(this.#timers.values(), ({ sequence, due }) => ({ sequence, due }))
  }

  /** All that the process knows, if it is at a point where that can be told; empty otherwise. */
  get memory(): string {
    if (this.#landmark === '' || this.#timers.size > 0 || this.ended) return ''
    const requests: Request[] = []
    for (const { sequence, request } of this.#waiting.values()) {
      if (sequence < this.#landmarkAt) return ''
      requests.push(request)
    }
    return remembered([this.#landmark, this.#nonces.memory, this.#held, requests])
  }

  get trustedUntil(): number | undefined {
    return this.ended ? undefined : this.#until()
  }

  /** Tells, at a moment, an answer (`<sequence>=<reply>`) or that a timer fires (`timer=<sequence>`). */
  tell(input: string, time: number): void {
    this.#now = time
    this.#landmark = ''
    this.sawTime = false
    const split = input.indexOf('=')
    const head = input.slice(0, split)
    const rest = input.slice(split + 1)
    if (head === TIMER) {
      const timer = this.#timers.get(Number(rest))
      this.#timers.delete(Number(rest))
      timer?.callback()
      return
    }
    const pending = this.#waiting.get(Number(head))
    if (pending === undefined) throw new Error(`Nobody waits for ${input}.`)
    this.#waiting.delete(pending.sequence)
    if (pending.request.kind === 'put') this.#nonces.answered(rest)
    pending.settle(rest)
  }

  #ask<T>(request: Request, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      if (request.kind === 'put') this.#nonces.asked()
      const sequence = this.#sequence++
      const onAbort = (): void => {
        if (this.#waiting.delete(sequence)) reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const settle = (reply: string): void => {
        signal?.removeEventListener('abort', onAbort)
        try {
          resolve(answerOf(request, reply, this.#contents) as T)
        } catch (error) {
          reject(error)
        }
      }
      this.#waiting.set(sequence, { sequence, request, settle })
    })
  }

  #ports(name: string): ActorPorts {
    return {
      name,
      store: this.#store(),
      clock: this.#clock(),
      random: { next: () => 0 },
      ids: {
        nonce: () => this.#nonces.next(),
        ulid: () => this.#nonces.next(),
        landmark: (memory) => this.#pass(memory),
        holding: (thing) => {
          this.#held = thing
          return thing
        },
      },
      choose: (options, memory) => {
        this.#held = undefined
        this.#pass(memory)
        return this.#ask({ kind: 'choose', options })
      },
      emit: (event) => {
        this.events.push(event)
      },
      during: (call) => {
        if (this.#calls.has(call)) throw new Error(`There was a call ${call} before.`)
        this.#calls.add(call)
        this.#call = call
        this.#nonces.during(call)
      },
      watch: (until) => {
        this.#until = until
      },
    }
  }

  #time(): number {
    this.sawTime = true
    return this.#now
  }

  #pass(memory: unknown): void {
    this.#landmark = remembered(memory)
    this.#landmarkAt = this.#sequence
  }

  #store(): ObjectStore {
    return {
      description: 'explorer://',
      get: (key, { ifNoneMatch, signal } = {}) =>
        this.#ask({ kind: 'get', key, unless: ifNoneMatch === undefined ? 0 : contentOfEtag(ifNoneMatch) }, signal),
      put: (key, body, { condition, signal }) => {
        const content = this.#contents.idOf(body)
        return this.#ask({ kind: 'put', key, content, expects: expected(condition), by: this.#call }, signal)
      },
      delete: (keys, { signal } = {}) => this.#ask({ kind: 'delete', keys: [...keys] }, signal),
      list: ({ prefix, startAfter = '', limit = 1000, signal }) =>
        this.#ask({ kind: 'list', prefix, startAfter, limit }, signal),
    }
  }

  #clock(): Clock {
    return {
      now: () => 0,
      monotonic: () => this.#time(),
      setTimer: (ms, callback) => {
        const sequence = this.#sequence++
        const due = this.#timed ? this.#time() + ms : 0
        this.#timers.set(sequence, { sequence, due, callback })
        if (!this.#timed) {
          queueMicrotask(() => {
            if (this.#timers.delete(sequence)) callback()
          })
        }
        return () => {
          this.#timers.delete(sequence)
        }
      },
    }
  }
}

/** Fields that all lives of a process have alike: what was injected, and functions. */
const SHARED = new Set(['_log', '_fold', '_options'])

function remembered(memory: unknown): string {
  return JSON.stringify(memory, (name, value: unknown) => {
    if (SHARED.has(name)) return undefined
    // As JSON, these would look empty whatever they hold.
    return value instanceof Map || value instanceof Set ? [...value] : value
  })
}

function expected(condition: PutCondition): number {
  if (condition.kind === 'create') return 0
  return condition.kind === 'overwrite' ? -1 : contentOfEtag(condition.etag)
}

/** The input that fires a timer. */
export function firing(timer: Timer): string {
  return `${TIMER}=${timer.sequence}`
}

/** The input that answers a request. */
export function answering(sequence: number, reply: string): string {
  return `${sequence}=${reply}`
}

/**
 * Resolves when all that waits for nothing but promises has run. Inside the queue of microtasks, where an `await` puts us, a tick comes
 * after all of them (Node.js documentation, "process.nextTick() vs queueMicrotask()").
 */
export async function quiet(): Promise<void> {
  await undefined
  await new Promise<void>((resolve) => process.nextTick(resolve))
}
