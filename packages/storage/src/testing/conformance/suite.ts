/** What every topic of the conformance suite is written against: a store from the adapter, and a part of it for each test alone. */
import { describe, test } from 'vitest'
import type { ObjectStore } from '../../port/object-store.ts'
import { systemIds } from '../../runtime/system.ts'
import type { ResolvedStoreCapabilities } from './capabilities.ts'
import type { StoreFactory, StoreFixture } from './fixture.ts'
import { listAll } from './reading.ts'

/** The part of the store that belongs to one test. */
export interface StoreScope {
  readonly store: ObjectStore
  /** A second store object on the same data where the fixture has one, or else `store`. */
  readonly other: ObjectStore
  /** All keys of the test begin with this; it ends in a slash. */
  readonly prefix: string
  /** The key for `name`. */
  key(name: string): string
  /** The names below the prefix (and `folder`), page by page as the store lists them. */
  names(folder?: string): Promise<string[]>
}

export interface Suite {
  readonly capabilities: ResolvedStoreCapabilities
  /** Opens a topic; its tests are defined by `define`. */
  topic(name: string, define: () => void): void
  /** Defines a test that gets a scope of its own, in a store of `factory`, or else of the suite's factory. */
  test(name: string, run: (scope: StoreScope) => Promise<void>, factory?: StoreFactory): void
}

/** A suite whose topics and tests are those of vitest. */
export function createVitestSuite(suiteFactory: StoreFactory, capabilities: ResolvedStoreCapabilities): Suite {
  return {
    capabilities,
    topic: (name, define) => void describe(name, define),
    test: (name, run, factory = suiteFactory) => void test(name, () => runInScope(factory, run)),
  }
}

/** Makes a store, runs a test in a part of it, and cleans up. */
export async function runInScope(factory: StoreFactory, run: (scope: StoreScope) => Promise<void>): Promise<void> {
  const made = await factory()
  const fixture: StoreFixture = 'store' in made ? made : { store: made }
  try {
    await run(createScope(fixture.store, (await fixture.another?.()) ?? fixture.store))
  } finally {
    await fixture.dispose?.()
  }
}

function createScope(store: ObjectStore, other: ObjectStore): StoreScope {
  const prefix = `conformance/${systemIds.ulid()}/`
  return {
    store,
    other,
    prefix,
    key: (name) => prefix + name,
    async names(folder = '') {
      const keys = await listAll(store, prefix + folder)
      return keys.map((key) => key.slice(prefix.length))
    },
  }
}
