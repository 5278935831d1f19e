/** What one caller alone can find out about a store. Each check works in a folder of its own, so that it can be made again. */
import { create, ifMatch, overwrite } from '../port/object-store.ts'
import { Broken, expectAbsent, expectFound, expectRefused, expectStored } from './findings.ts'
import type { Scratch } from './scratch.ts'

export interface Check {
  readonly name: string
  run(scratch: Scratch, folder: string): Promise<void>
}

const createTwice: Check = {
  name: 'create-only write',
  async run(scratch, folder) {
    const key = `${folder}a`
    const etag = expectStored(await scratch.put(key, 'first', create), 'a create-only write where there was nothing')
    expectRefused(await scratch.put(key, 'second', create), 'a create-only write over an object that was there')
    expectFound(await scratch.get(key), 'first', etag, 'after two create-only writes')
    const unchanged = await scratch.get(key, etag)
    if (unchanged.outcome !== 'not-modified') {
      throw new Broken(
        `answered "${unchanged.outcome}" instead of "not-modified" to a get of the version it had just told`,
      )
    }
    await scratch.remove([key])
    expectAbsent(await scratch.get(key), 'after the delete')
    expectStored(await scratch.put(key, 'third', create), 'a create-only write after a delete')
  },
}

const staleVersion: Check = {
  name: 'if-match write',
  async run(scratch, folder) {
    const key = `${folder}a`
    const first = expectStored(await scratch.put(key, 'first', overwrite), 'a plain write')
    const second = expectStored(
      await scratch.put(key, 'second', ifMatch(first)),
      'an if-match write over the version named',
    )
    if (second === first) throw new Broken('gave two versions with different bodies the same ETag')
    expectRefused(await scratch.put(key, 'third', ifMatch(first)), 'an if-match write over a version that was gone by')
    expectFound(await scratch.get(key), 'second', second, 'after a stale if-match write')
    expectFound(await scratch.get(key, first), 'second', second, 'that named the version before')
    const missing = `${folder}missing`
    expectRefused(await scratch.put(missing, 'new', ifMatch(second)), 'an if-match write to a key that was not there')
    expectAbsent(await scratch.get(missing), 'of a key that only an if-match write was sent to')
  },
}

const lists: Check = {
  name: 'list',
  async run(scratch, folder) {
    const [a, b, c] = [`${folder}0001`, `${folder}0002`, `${folder}0010`] as const
    for (const key of [c, a, b]) expectStored(await scratch.put(key, key, create), 'a create-only write')
    await expectList(scratch, folder, undefined, [a, b, c], 'after three writes')
    await expectList(scratch, folder, a, [b, c], 'that starts after the first key')
    await expectList(scratch, folder, `${folder}0003`, [c], 'that starts after a key that is not there')
    await scratch.remove([a, b])
    await expectList(scratch, folder, undefined, [c], 'after a delete')
  },
}

async function expectList(
  scratch: Scratch,
  folder: string,
  startAfter: string | undefined,
  expected: readonly string[],
  when: string,
): Promise<void> {
  const { entries } = await scratch.list(folder, startAfter)
  const short = (keys: readonly string[]): string => keys.map((key) => key.slice(folder.length)).join(' ') || 'nothing'
  const listed = short(entries.map((entry) => entry.key))
  if (listed !== short(expected)) throw new Broken(`listed ${listed} instead of ${short(expected)} in a list ${when}`)
}

export const SEQUENTIAL_CHECKS: readonly Check[] = [createTwice, staleVersion, lists]
