/** What the store holds, as hash-consed states: equal contents are equal numbers, and each step is worked out once. */
import type { ListResult } from '@s3queue/storage'
import type { Contents } from './contents.ts'
import { Interner } from './interner.ts'
import { ABSENT, DONE, found, REFUSED, type Request, SAME, stored, type Write } from './request.ts'

export interface StoreStep {
  readonly reply: string
  readonly next: number
  /** Whether a write took place. */
  readonly wrote: boolean
}

type Objects = ReadonlyMap<string, number>

export class Stores {
  readonly #contents: Contents
  readonly #requests: Interner<Request>
  readonly #states = new Interner<Objects>((objects) => JSON.stringify([...objects].sort(byKey)))
  readonly #steps: Map<number, StoreStep>[] = []
  readonly empty: number

  constructor(contents: Contents, requests: Interner<Request>) {
    this.#contents = contents
    this.#requests = requests
    this.empty = this.#states.idOf(new Map())
  }

  get size(): number {
    return this.#states.size
  }

  objects(state: number): Objects {
    return this.#states.valueOf(state)
  }

  /** Carries out a request on a state. */
  step(state: number, request: number): StoreStep {
    this.#steps[state] ??= new Map()
    const known = this.#steps[state].get(request)
    if (known !== undefined) return known
    const step = this.#carryOut(state, this.#requests.valueOf(request))
    this.#steps[state].set(request, step)
    return step
  }

  without(state: number, key: string): number {
    const objects = new Map(this.objects(state))
    objects.delete(key)
    return this.#states.idOf(objects)
  }

  #carryOut(state: number, request: Request): StoreStep {
    const objects = this.objects(state)
    const unchanged = (reply: string): StoreStep => ({ reply, next: state, wrote: false })
    switch (request.kind) {
      case 'choose':
        throw new Error('A choice is not for the store.')
      case 'get': {
        const content = objects.get(request.key)
        if (content === undefined) return unchanged(ABSENT)
        return unchanged(content === request.unless ? SAME : found(content))
      }
      case 'put':
        return this.#put(state, request)
      case 'delete': {
        const left = new Map(objects)
        for (const key of request.keys) left.delete(key)
        return { reply: DONE, next: this.#states.idOf(left), wrote: false }
      }
      case 'list': {
        const keys = [...objects.keys()]
          .filter((key) => key.startsWith(request.prefix) && key > request.startAfter)
          .sort()
        const entries = keys.slice(0, request.limit).map((key) => ({ key, size: this.#sizeOf(objects.get(key)) }))
        return unchanged(JSON.stringify({ entries, truncated: keys.length > request.limit } satisfies ListResult))
      }
    }
  }

  #put(state: number, { key, content, expects }: Write): StoreStep {
    const objects = this.objects(state)
    const current = objects.get(key) ?? 0
    if (expects !== -1 && expects !== current) return { reply: REFUSED, next: state, wrote: false }
    return { reply: stored(content), next: this.#states.idOf(new Map(objects).set(key, content)), wrote: true }
  }

  #sizeOf(content: number | undefined): number {
    return content === undefined ? 0 : this.#contents.bytesOf(content).length
  }
}

function byKey([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}
