/** The birth of an object: a draft is linked to the object's path, which fails if there is a file already. */
import { dirname } from 'node:path'
import { assertDraft, type Draft, type WriteContext } from './draft.ts'
import { removeEmptyTree } from './empty-tree.ts'
import { noDirectory, pathPrefix } from './failure.ts'
import { codeOf, unless } from './file-system.ts'
import { objectPath } from './layout.ts'
import { settleRecord } from './read.ts'
import { ignoreDamage, openRecord } from './record.ts'

/** How often the directory of an object may be removed by others, for being empty, just after it was made. */
const MAX_ATTEMPTS = 100

/** Publishes `draft` if there is no object with its key; answers whether it did. */
export async function createObject(context: WriteContext, draft: Draft): Promise<boolean> {
  const { fs, root } = context
  const path = objectPath(root, draft.key)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      await fs.link(draft.path, path)
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') await makeWay(context, dirname(path))
      else if (code !== 'EEXIST') throw error
      else if (!(await isFreeAgain(context, path, draft.key))) return false
    }
  }
  await assertDraft(context, draft)
  throw new Error(`The directory ${dirname(path)} was removed ${MAX_ATTEMPTS} times while an object was put into it.`)
}

/** Makes the directories from the root to `directory` that are missing. */
async function makeWay(context: WriteContext, directory: string): Promise<void> {
  const { fs, root } = context
  if (directory === root)
    throw noDirectory(root, 'was removed while the store was open. Make a new store to start over.')
  try {
    await fs.makeDirectory(directory)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT') throw error
    await makeWay(context, dirname(directory))
    await unless(['EEXIST', 'ENOENT'], fs.makeDirectory(directory))
  }
}

/**
 * What took the name. True if it is free by now: an object that was deleted meanwhile, or a directory that held objects once.
 * False if it is an object; then that is durable, so that "there is one" stays true.
 */
async function isFreeAgain(context: WriteContext, path: string, key: string): Promise<boolean> {
  const { fs } = context
  const facts = await unless(['ENOENT'], fs.facts(path))
  if (facts === undefined) return true
  if (facts.isDirectory) {
    if (await removeEmptyTree(fs, path)) return true
    throw pathPrefix(key)
  }
  const record = await openRecord(fs, path, key).catch(ignoreDamage)
  try {
    if (record !== undefined) await settleRecord(context, record)
  } finally {
    await record?.close()
  }
  return false
}
