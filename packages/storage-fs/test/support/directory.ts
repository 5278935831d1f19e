import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestDirectory extends AsyncDisposable {
  readonly path: string
  remove(): Promise<void>
}

/** A directory of its own for one test, on a real disk. */
export async function testDirectory(): Promise<TestDirectory> {
  const path = await mkdtemp(join(tmpdir(), 's3queue-fs-'))
  // The background sweep of a store may still be at work in there.
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5 })
  return { path, remove, [Symbol.asyncDispose]: remove }
}
