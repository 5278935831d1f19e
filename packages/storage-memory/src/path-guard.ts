/**
 * Knows which paths lie above the keys of a store, so that a key that is a path prefix of another (`a` beside `a/b`) can be refused
 * without looking at all keys. MinIO hides the one from lists when both are there; file systems cannot hold both.
 */
export interface PathGuard {
  add(key: string): void
  remove(key: string): void
  /** A path above `key` that is itself a key by `isKey`, or `key` itself where other keys lie below it. */
  conflict(
    key: string,
    isKey: (path: string) => boolean,
  ): { readonly kind: 'above' | 'below'; readonly path: string } | undefined
}

export function createPathGuard(keys: Iterable<string> = []): PathGuard {
  const keysBelow = new Map<string, number>()

  const count = (key: string, step: 1 | -1): void => {
    for (const path of pathsAbove(key)) {
      const next = (keysBelow.get(path) ?? 0) + step
      if (next === 0) keysBelow.delete(path)
      else keysBelow.set(path, next)
    }
  }
  for (const key of keys) count(key, 1)
  return {
    add: (key) => count(key, 1),
    remove: (key) => count(key, -1),
    conflict(key, isKey) {
      if (keysBelow.has(key)) return { kind: 'below', path: key }
      for (const path of pathsAbove(key)) if (isKey(path)) return { kind: 'above', path }
      return undefined
    },
  }
}

/** `a/b/c` → `a`, `a/b`. */
function* pathsAbove(key: string): Generator<string> {
  for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) yield key.slice(0, slash)
}
