import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from '@s3queue/storage'
import { describeObjectStore, type StoreFactory, type StoreFixture } from '@s3queue/storage/testing'
import type { Durability } from '../src/index.ts'
import { createFsStore } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'

const inDirectory =
  (durability: Durability): StoreFactory =>
  async (): Promise<StoreFixture> => {
    const directory = await testDirectory()
    const another = (): ObjectStore =>
      createFsStore({ directory: join(directory.path, 'made/when/needed'), durability })
    return { store: another(), another, dispose: directory.remove }
  }

/** Where the directory should be, there is a file. */
const inFile: StoreFactory = async () => {
  const directory = await testDirectory()
  await writeFile(join(directory.path, 'file'), 'not a directory')
  const store = createFsStore({ directory: join(directory.path, 'file') })
  return { store, dispose: directory.remove }
}

const capabilities = { refusesPathPrefixes: true, storeTime: true, watch: true }

describeObjectStore('a durable store in a directory', inDirectory('fsync'), {
  ...capabilities,
  broken: { NO_SUCH_BUCKET: inFile },
})

describeObjectStore('a store in a directory without fsync', inDirectory('none'), { ...capabilities, rounds: 5 })
