import { describe } from 'vitest'
import { describeBodies } from './bodies.ts'
import { resolveCapabilities, type StoreCapabilities } from './capabilities.ts'
import { describeDelete } from './delete.ts'
import { describeErrorsAndSignals } from './errors-and-signals.ts'
import type { StoreFactory } from './fixture.ts'
import { describeGet } from './get.ts'
import { describeKeys } from './keys.ts'
import { describeList } from './list.ts'
import { describePutCreate } from './put-create.ts'
import { describePutIfMatch } from './put-if-match.ts'
import { describePutOverwrite } from './put-overwrite.ts'
import { describeRaces } from './races.ts'
import { createVitestSuite, type Suite } from './suite.ts'
import { describeWatch } from './watch.ts'

/**
 * The conformance suite of the port, as vitest tests: what every adapter must keep. Call it at the top of a test file.
 *
 * `factory` is asked for a store before each test; it may give a fresh one or the same one each time, since every test works below a
 * prefix of its own (`conformance/<ulid>/`). Give `{ store, dispose }` to clean up after each test, and
 * `another` if there can be a second store object on the same data, as in another process.
 */
export function describeObjectStore(name: string, factory: StoreFactory, capabilities: StoreCapabilities = {}): void {
  const suite = createVitestSuite(factory, resolveCapabilities(capabilities))
  describe(`${name} keeps the port of an object store`, () => describeTopics(suite))
}

/** Defines all topics of the suite. */
export function describeTopics(suite: Suite): void {
  describeGet(suite)
  describePutCreate(suite)
  describePutIfMatch(suite)
  describePutOverwrite(suite)
  describeDelete(suite)
  describeList(suite)
  describeKeys(suite)
  describeBodies(suite)
  describeErrorsAndSignals(suite)
  describeWatch(suite)
  describeRaces(suite)
}
