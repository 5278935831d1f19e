import type { ObjectStore } from '../../port/object-store.ts'

/** A store for one test, and what is to be done with it afterwards. */
export interface StoreFixture {
  readonly store: ObjectStore
  /** Makes a second store object on the same data, as another process has it. Default: `store` itself. */
  another?(): ObjectStore | Promise<ObjectStore>
  /** Called once the test is over, also when it failed. */
  dispose?(): Promise<void> | void
}

/** Makes the store for a test. It may be a fresh one, or the same one each time: every test works below a prefix of its own. */
export type StoreFactory = () => ObjectStore | StoreFixture | Promise<ObjectStore | StoreFixture>
