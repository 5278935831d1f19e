import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createFsStore, type FsStoreOptions } from '../src/index.ts'

test.each<[string, object, string]>([
  ['a key nobody knows', { directory: '/d', durable: true }, 'Did you mean "durability"?'],
  ['no directory', {}, 'must be the path of a directory'],
  ['an empty directory', { directory: '' }, 'must be the path of a directory'],
  ['a zero byte in the directory', { directory: 'a\0b' }, 'must be the path of a directory'],
  ['unknown permissions', { directory: '/d', permissions: 'all' }, 'must be one of owner, umask'],
  ['an unknown durability', { directory: '/d', durability: 'always' }, 'must be one of fsync, none'],
])('refuses %s', (_, options, problem) => {
  expect(() => createFsStore(options as FsStoreOptions)).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      owner: 'createFsStore',
      message: expect.stringContaining(problem),
    }),
  )
})

test('says where it is, in full', () => {
  expect(createFsStore({ directory: 'some where' }).description).toBe(pathToFileURL(resolve('some where')).href)
})
