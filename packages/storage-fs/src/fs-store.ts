/**
 * An object store in a directory, for one machine: durable, atomic, and safe for any number of processes at once.
 *
 * State: none of its own but the root that was opened (`root.ts`) and what is known to be durable (`settling.ts`). Everything
 * else is in the directory; see `layout.ts` for where, and `current.ts` for why processes cannot get in each other's way.
 */
import { pathToFileURL } from 'node:url'
import {
  assertDeleteKeys,
  assertKey,
  type GetResult,
  InvalidRequest,
  type ListResult,
  type ObjectStore,
  type PutCondition,
  resolveListOptions,
} from '@s3queue/storage'
import { toStoreError } from './failure.ts'
import type { FileSystem } from './file-system.ts'
import { createGate } from './gate.ts'
import { list } from './list.ts'
import { createNodeFileSystem } from './node-file-system.ts'
import { type FsStoreOptions, type ResolvedFsStoreOptions, resolveFsStoreOptions } from './options.ts'
import { put } from './put.ts'
import { read } from './read.ts'
import { removeObjects } from './remove.ts'
import { createRoot } from './root.ts'
import { createSettling, noSettling } from './settling.ts'
import { sweepIfDue } from './sweep.ts'
import { createWatch } from './watch.ts'

/** Calls that are in the file system at once; more wait. */
const MAX_CALLS = 64
/** Objects of one delete that are worked on together. */
const DELETE_WIDTH = 8

const CONDITIONS: readonly PutCondition['kind'][] = ['create', 'if-match', 'overwrite']

/**
 * Creates a store in `directory`, which is made by the first write; reads make nothing. There is nothing to close. Throws `InvalidOption` for
 * options that are unknown or cannot be.
 */
export function createFsStore(options: FsStoreOptions): ObjectStore {
  const resolved = resolveFsStoreOptions(options)
  const { directory, permissions, clock } = resolved
  return createStoreOn(createNodeFileSystem({ root: directory, permissions, clock }), resolved)
}

/** The same over a file system of the caller's. */
export function createStoreOn(
  fs: FileSystem,
  { directory, durability, clock, ids }: Omit<ResolvedFsStoreOptions, 'permissions'>,
): ObjectStore {
  const durable = durability === 'fsync'
  const root = createRoot(fs, directory, durable)
  const settling = durable ? createSettling(fs, directory) : noSettling
  const context = { fs, root: directory, settling, ids, clock }
  const gate = createGate(MAX_CALLS)
  let swept = false

  const open = async (): Promise<void> => {
    const { wasThere } = await root.open()
    if (swept) return
    swept = true
    // Besides the work, never in its way: leftovers cost space and nothing else.
    if (wasThere) void sweepIfDue(context).catch(() => {})
  }
  const call = <T>(
    signal: AbortSignal | undefined,
    key: string | undefined,
    work: () => Promise<T>,
    begin: () => Promise<void> = open,
  ): Promise<T> =>
    gate.run(signal, async () => {
      await begin()
      return work().catch((error: unknown) => {
        throw toStoreError(error, { directory, key })
      })
    })
  const stamped = <T extends object>(result: T): T & { readonly storeTimeMs: number } => ({
    ...result,
    storeTimeMs: Math.floor(clock.now()),
  })

  return {
    description: pathToFileURL(directory).href,
    async get(key, { ifNoneMatch, signal } = {}) {
      assertKey(key)
      const work = async (): Promise<GetResult> => {
        const result = await read(context, key, ifNoneMatch)
        if (result.outcome === 'not-found') await root.assertPresent()
        return stamped(result)
      }
      return call(signal, key, work, root.openToRead)
    },
    async put(key, body, { condition, signal }) {
      assertKey(key)
      assertCondition(key, condition)
      return call(signal, key, async () => {
        const result = await put(context, { key, body, condition, signal })
        if (condition.kind === 'if-match' && result.outcome === 'precondition-failed') await root.assertPresent()
        return stamped(result)
      })
    },
    async delete(keys, { signal } = {}) {
      assertDeleteKeys(keys)
      await call(signal, undefined, async () => {
        await removeObjects(context, keys, DELETE_WIDTH)
        await root.assertPresent()
      })
    },
    async list(listOptions) {
      const options = resolveListOptions(listOptions)
      const work = async (): Promise<ListResult> => {
        const result = await list(context, options)
        if (result.entries.length === 0) await root.assertPresent()
        return stamped(result)
      }
      return call(options.signal, undefined, work, root.openToRead)
    },
    watch: createWatch(context, open),
  }
}

function assertCondition(key: string, { kind }: PutCondition): void {
  if (CONDITIONS.includes(kind)) return
  throw new InvalidRequest(`Unknown condition ${JSON.stringify(kind)}. Known: ${CONDITIONS.join(', ')}.`, { key })
}
