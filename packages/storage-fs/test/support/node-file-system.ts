/** The real file system, as a store below the directory for temporary files has it. */
import { tmpdir } from 'node:os'
import { systemClock } from '@s3queue/storage'
import type { FileSystem } from '../../src/file-system.ts'
import { createNodeFileSystem } from '../../src/node-file-system.ts'

export const nodeFileSystem: FileSystem = createNodeFileSystem({
  root: tmpdir(),
  permissions: 'owner',
  clock: systemClock,
})
