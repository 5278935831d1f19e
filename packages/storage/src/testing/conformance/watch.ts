import { expect } from 'vitest'
import {
  create,
  ifMatch,
  type ObjectStore,
  overwrite,
  type PutCondition,
  type WatchOptions,
} from '../../port/object-store.ts'
import { bytes, inParallel, storedEtag, text } from './reading.ts'
import type { StoreScope, Suite } from './suite.ts'

/** Notifications may come without a change, so a test never counts them: it reads when notified, and waits until it sees the change. */
export function describeWatch(suite: Suite): void {
  suite.topic('watch', () => {
    if (suite.capabilities.watch) describeNotifications(suite)
    else {
      suite.test('says that it cannot notify by having no watch', async ({ store }) => {
        expect(store.watch, 'declare the capability `watch`').toBeUndefined()
      })
    }
  })
}

/** A change to the object with the key `a`, and the body that it has then; undefined if there is none. */
interface Change {
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
  make(store: ObjectStore, key: string): Promise<void>
}

const CHANGES: readonly Change[] = [
  { name: 'a create', before: undefined, after: 'new', make: (store, key) => write(store, key, 'new', create) },
  { name: 'an overwrite of nothing', before: undefined, after: 'new', make: (store, key) => write(store, key, 'new') },
  { name: 'an overwrite', before: 'old', after: 'new', make: (store, key) => write(store, key, 'new') },
  {
    name: 'a replacement with if-match',
    before: 'old',
    after: 'new',
    async make(store, key) {
      const found = await store.get(key)
      await write(store, key, 'new', found.outcome === 'found' ? ifMatch(found.etag) : create)
    },
  },
  { name: 'a delete', before: 'old', after: undefined, make: (store, key) => store.delete([key]) },
]

function describeNotifications(suite: Suite): void {
  const { notifiedWithinMs, conditions } = suite.capabilities

  for (const { name, before, after, make } of CHANGES) {
    if (name === 'a create' && !conditions.includes('create')) continue
    if (name === 'a replacement with if-match' && !conditions.includes('if-match')) continue
    suite.test(`notifies of ${name}, by this store object and by another on the same data`, async (scope) => {
      const { store, other, key, prefix } = scope
      for (const [i, writer] of [store, other].entries()) {
        const [name, folder] = [key(`folder${i}/a`), key(`folder${i}/`)]
        if (before !== undefined) await write(writer, name, before)
        for (const watched of [prefix, folder, name]) {
          await using watch = await begin(scope, watched, notifiedWithinMs)
          await watch.see(name, after, () => make(writer, name))
          // Back to where it began, for the next one.
          if (before === undefined) await writer.delete([name])
          else await write(writer, name, before)
        }
      }
    })
  }

  suite.test('notifies of every change in a row, not of the first one alone', async (scope) => {
    const { other, key } = scope
    for (const watched of [key('folder/'), key('folder/a')]) {
      await using watch = await begin(scope, watched, notifiedWithinMs)
      for (let i = 0; i < 5; i++) {
        const body = `${watched} ${i}`
        await watch.see(key('folder/a'), body, () => write(other, key('folder/a'), body))
      }
      for (let i = 0; i < 3; i++) {
        const body = `${watched} again ${i}`
        await watch.see(key('folder/a'), undefined, () => other.delete([key('folder/a')]))
        await watch.see(key('folder/a'), body, () => write(other, key('folder/a'), body))
      }
    }
  })

  suite.test('notifies of a change that is made while it notifies', async (scope) => {
    const { store, key } = scope
    let writes = 0
    // One after the other: of two writes at once either may be the last.
    let written: Promise<void> = Promise.resolve()
    const onChange = (): void => {
      if (writes === 5) return
      const body = `${++writes}`
      written = written.then(() => write(store, key('a'), body))
    }
    await using watch = await begin(scope, key('a'), notifiedWithinMs, onChange)
    await watch.see(key('a'), '5', () => write(store, key('a'), '0'))
    await written
  })

  suite.test('notifies after the last of many concurrent changes', async (scope) => {
    const { other, key, prefix } = scope
    await using all = await begin(scope, prefix, notifiedWithinMs)
    await using one = await begin(scope, key('k7'), notifiedWithinMs)
    const names = Array.from({ length: 40 }, (_, i) => key(`k${i}`))
    const together = (change: () => Promise<void>, body: string | undefined): Promise<unknown> => {
      const changed = change()
      return Promise.all([all.see(names, body, () => changed), one.see(key('k7'), body, () => changed)])
    }
    for (const body of ['first', 'second']) {
      await together(() => inParallel(names, 10, (name) => write(other, name, body)), body)
    }
    await together(() => other.delete(names), undefined)
  })

  suite.test('watches keys and prefixes that do not exist yet, and ones that were deleted', async (scope) => {
    const { other, key } = scope
    const name = key('far/away/and/deep')
    for (let round = 0; round < 2; round++) {
      for (const watched of [key('far/'), key('far/away/and/'), name]) {
        await using watch = await begin(scope, watched, notifiedWithinMs)
        await watch.see(name, watched, () => write(other, name, watched))
        await watch.see(name, undefined, () => other.delete([name]))
      }
    }
  })

  suite.test('notifies every watcher', async (scope) => {
    const { other, key, prefix } = scope
    await using first = await begin(scope, prefix, notifiedWithinMs)
    await using second = await begin(scope, prefix, notifiedWithinMs)
    await using third = await begin(scope, key('a'), notifiedWithinMs)
    const written = write(other, key('a'), 'new')
    await Promise.all([first, second, third].map((watch) => watch.see(key('a'), 'new', () => written)))
  })

  suite.test('does not notify after an abort, while others are still notified', async (scope) => {
    const { other, key, prefix } = scope
    await using witness = await begin(scope, prefix, notifiedWithinMs)
    for (const watched of [prefix, key('a')]) {
      const ended = await begin(scope, watched, notifiedWithinMs)
      await ended.see(key('a'), watched, () => write(other, key('a'), watched))
      await ended[Symbol.asyncDispose]()
      const counted = ended.notifications()
      for (let i = 0; i < 3; i++) {
        await witness.see(key('a'), `${watched} ${i}`, () => write(other, key('a'), `${watched} ${i}`))
      }
      expect(ended.notifications(), 'notifications after the abort').toBe(counted)
    }
  })

  suite.test('never notifies within a call to the store', async (scope) => {
    const { store, key } = scope
    let isInCall = false
    const onChange = (): void => expect(isInCall, 'notified within a call').toBe(false)
    const called = <T>(call: () => T): T => {
      isInCall = true
      const answer = call()
      isInCall = false
      return answer
    }
    await using watch = await begin(scope, key('a'), notifiedWithinMs, onChange)
    for (let i = 0; i < 3; i++) {
      await watch.see(key('a'), `${i}`, () => called(() => write(store, key('a'), `${i}`)))
      await watch.see(key('a'), undefined, () => called(() => store.delete([key('a')])))
    }
  })

  suite.test('does not begin when the signal is aborted before', async ({ store, prefix }) => {
    const onChange = (): void => expect.unreachable('a watch that never began notifies')
    expect(await watchOf(store)({ prefix, onChange, signal: AbortSignal.abort() })).toBe(false)
    await write(store, `${prefix}a`, 'new')
  })

  suite.test('refuses prefixes that no key can begin with', async ({ store }) => {
    const { signal } = new AbortController()
    for (const prefix of ['not usable', 'not usable/', '/', '/a', 'a//', 'a/../b', '.tmp/']) {
      const attempt = watchOf(store)({ prefix, onChange: () => undefined, signal })
      await expect(attempt, prefix).rejects.toMatchObject({ code: 'INVALID_REQUEST', retriable: false })
    }
  })
}

interface Watch extends AsyncDisposable {
  /**
   * Makes a change, and resolves once reads find that body under all keys (undefined: no object). It reads when it is notified and only
   * then, so it rejects if no notification comes in time, or none after the change can be read.
   */
  see(keys: string | readonly string[], body: string | undefined, change: () => Promise<void>): Promise<void>
  /** How many there were so far. */
  notifications(): number
}

/** Begins a watch, which ends when it is disposed of. */
async function begin(
  { store }: StoreScope,
  prefix: string,
  withinMs: number,
  onChange: () => void = () => undefined,
): Promise<Watch> {
  const controller = new AbortController()
  let count = 0
  let used = 0
  let failure: unknown
  let wake = Promise.withResolvers<void>()
  const notified = (): void => {
    count++
    try {
      onChange()
    } catch (error) {
      failure ??= error
    }
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const begun = await watchOf(store)({ prefix, onChange: notified, signal: controller.signal })
  expect(begun, `${JSON.stringify(prefix)} can be watched`).toBe(true)
  return {
    notifications: () => count,
    async see(keys, body, change) {
      const names = typeof keys === 'string' ? [keys] : keys
      const late = Promise.withResolvers<never>()
      const problem = `Within ${withinMs} ms no notification led to the change of ${names[0]} (${body ?? 'deleted'}).`
      let timer: NodeJS.Timeout | undefined
      late.promise.catch(() => undefined)
      used = count
      const changed = change()
      changed.then(() => {
        timer = setTimeout(() => late.reject(new Error(problem)), withinMs)
      }, late.reject)
      try {
        for (;;) {
          while (used === count) await Promise.race([wake.promise, late.promise])
          used = count
          const bodies = await Promise.all(names.map((name) => bodyOf(store, name)))
          if (bodies.every((found) => found === body)) break
        }
        await changed
      } finally {
        clearTimeout(timer)
      }
      if (failure !== undefined) throw failure
    },
    async [Symbol.asyncDispose]() {
      controller.abort()
    },
  }
}

function watchOf(store: ObjectStore): (options: WatchOptions) => Promise<boolean> {
  return store.watch?.bind(store) ?? expect.unreachable('a store that declares the capability `watch` has a watch')
}

async function bodyOf(store: ObjectStore, key: string): Promise<string | undefined> {
  const result = await store.get(key)
  return result.outcome === 'found' ? text(result.body) : undefined
}

async function write(
  store: ObjectStore,
  key: string,
  body: string,
  condition: PutCondition = overwrite,
): Promise<void> {
  storedEtag(await store.put(key, bytes(body), { condition }))
}
