/** What every topic of the conformance suite works with: a store from the adapter, and a part of it for each test alone. */
import { describe, expect, test } from 'vitest'
import type { ETag, GetResult, ObjectStore, PutResult } from '../../port/object-store.ts'
import { systemIds } from '../../runtime/system.ts'
import type { ResolvedStoreCapabilities } from './capabilities.ts'

/** A store for one test, and what is to be done with it afterwards. */
export interface StoreFixture {
  readonly store: ObjectStore
  /** Called once the test is over, also when it failed. */
  dispose?(): Promise<void> | void
}

/**
 * Makes the store for a test. It may be a fresh one, or the same one each time: every test works below a prefix of its own.
 */
export type StoreFactory = () => ObjectStore | StoreFixture | Promise<ObjectStore | StoreFixture>

/** The part of the store that belongs to one test. */
export interface StoreScope {
  readonly store: ObjectStore
  /** All keys of the test begin with this; it ends in a slash. */
  readonly prefix: string
  /** The key for `name`. */
  key(name: string): string
  /** The keys below the prefix (and `folder`), without the prefix, page by page as the store lists them. */
  names(folder?: string): Promise<string[]>
}

export interface Suite {
  readonly capabilities: ResolvedStoreCapabilities
  /** Defines a test that gets a scope of its own. */
  test(name: string, run: (scope: StoreScope) => Promise<void>): void
}

export function createSuite(factory: StoreFactory, capabilities: ResolvedStoreCapabilities): Suite {
  return {
    capabilities,
    test(name, run) {
      test(name, async () => {
        const made = await factory()
        const fixture: StoreFixture = 'store' in made ? made : { store: made }
        try {
          await run(createScope(fixture.store))
        } finally {
          await fixture.dispose?.()
        }
      })
    },
  }
}

/** Opens a topic of the suite. */
export function describeTopic(name: string, define: () => void): void {
  describe(name, define)
}

function createScope(store: ObjectStore): StoreScope {
  const prefix = `conformance/${systemIds.ulid()}/`
  return {
    store,
    prefix,
    key: (name) => prefix + name,
    async names(folder = '') {
      const keys = await listAll(store, prefix + folder)
      return keys.map((key) => key.slice(prefix.length))
    },
  }
}

/** All keys below `prefix`, page by page. */
export async function listAll(store: ObjectStore, prefix: string, limit?: number): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const { entries, truncated } = await store.list({ prefix, startAfter: keys.at(-1), limit })
    keys.push(...entries.map((entry) => entry.key))
    if (!truncated) return keys
    expect(entries.length, 'a truncated page has entries').toBeGreaterThan(0)
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

/** The ETag of a write that must have taken place. */
export function storedEtag(result: PutResult): ETag {
  if (result.outcome === 'stored') return result.etag
  const because = result.outcome === 'unknown' ? `: ${result.error.message}` : ''
  return expect.unreachable(`the write should have been stored, but the outcome is ${result.outcome}${because}`)
}

/** Body and ETag of an object that must be there. */
export function foundObject(result: GetResult): { readonly body: Uint8Array; readonly etag: ETag } {
  if (result.outcome === 'found') return { body: result.body, etag: result.etag }
  return expect.unreachable(`the object should have been found, but the outcome is ${result.outcome}`)
}

/** Runs `work` for every item, at most `width` at a time. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const lanes = Array.from({ length: Math.min(width, items.length) }, async () => {
    while (next < items.length) await work(items[next++] as T)
  })
  await Promise.all(lanes)
}
