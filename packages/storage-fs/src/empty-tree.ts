/** Directories that hold nothing but empty directories: what is left of keys with slashes once their objects are deleted. */
import { join } from 'node:path'
import { codeOf, type FileSystem, unless } from './file-system.ts'

/** What `rmdir` says of a directory that is not empty (POSIX allows either), gone, or somebody's working ground. */
const STAYS: readonly string[] = ['ENOTEMPTY', 'EEXIST', 'EBUSY']

/** Removes `directory` and all below it as long as there are no files; answers whether it is gone. */
export async function removeEmptyTree(fs: FileSystem, directory: string): Promise<boolean> {
  if (await removeEmptyDirectory(fs, directory)) return true
  const entries = (await unless(['ENOENT'], fs.entries(directory))) ?? []
  if (entries.some((entry) => !entry.isDirectory())) return false
  for (const { name } of entries) {
    if (!(await removeEmptyTree(fs, join(directory, name)))) return false
  }
  return removeEmptyDirectory(fs, directory)
}

/** Removes `directory` if there is nothing in it; answers whether it is gone. */
export async function removeEmptyDirectory(fs: FileSystem, directory: string): Promise<boolean> {
  try {
    await unless(['ENOENT'], fs.removeDirectory(directory))
    return true
  } catch (error) {
    if (STAYS.includes(codeOf(error) ?? '')) return false
    throw error
  }
}
