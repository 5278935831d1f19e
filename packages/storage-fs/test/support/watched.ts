/** The real file system, with an eye on every call: to fail some, hold some up, or count them. */
import type { FileSystem, OpenFile } from '../../src/file-system.ts'
import { nodeFileSystem } from './node-file-system.ts'

export type CallName = keyof FileSystem | keyof OpenFile

/** Called before each call with its paths; may throw, or make it wait. */
export type BeforeCall = (call: CallName, paths: readonly string[]) => void | Promise<void>

/** What the system says when `call` fails with `code`. */
function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: as arranged by the test, ${syscall}`), { code, syscall })
}

/** Fails the calls named so with `code` whenever one of their paths includes `part`. */
export function failing(call: CallName, code: string, part = ''): BeforeCall {
  return (name, paths) => {
    if (name === call && paths.some((path) => path.includes(part))) throw systemError(code, name)
  }
}

export function watchedFileSystem(before: BeforeCall): FileSystem {
  const fs = nodeFileSystem
  const seen = async <T>(call: CallName, paths: readonly string[], go: () => Promise<T>): Promise<T> => {
    await before(call, paths)
    return go()
  }
  return {
    open: (path, mode) =>
      seen('open', [path], async () => {
        const file = await fs.open(path, mode)
        return {
          write: (bytes) => seen('write', [path], () => file.write(bytes)),
          read: (target, position) => seen('read', [path], () => file.read(target, position)),
          facts: () => file.facts(),
          sync: () => seen('sync', [path], () => file.sync()),
          close: () => file.close(),
        }
      }),
    facts: (path) => seen('facts', [path], () => fs.facts(path)),
    entries: (path) => seen('entries', [path], () => fs.entries(path)),
    link: (from, to) => seen('link', [from, to], () => fs.link(from, to)),
    rename: (from, to) => seen('rename', [from, to], () => fs.rename(from, to)),
    unlink: (path) => seen('unlink', [path], () => fs.unlink(path)),
    makeDirectory: (path) => seen('makeDirectory', [path], () => fs.makeDirectory(path)),
    removeDirectory: (path) => seen('removeDirectory', [path], () => fs.removeDirectory(path)),
    type: (path) => seen('type', [path], () => fs.type(path)),
    watch: (path, listener) => seen('watch', [path], () => fs.watch(path, listener)),
  }
}
