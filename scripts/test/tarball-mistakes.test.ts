import { expect, test } from 'vitest'
import { tarballMistakes } from '../packing/tarball-mistakes.mjs'

const files = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']
const manifest = {
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  dependencies: { '@s3queue/storage': '^0.1.0' },
}

test('a good tarball has no mistakes', () => {
  expect(tarballMistakes(files, manifest)).toEqual([])
  expect(tarballMistakes([...files, 'CHANGELOG.md'], {})).toEqual([])
})

test.each(['README.md', 'LICENSE', 'package.json'])('%s must be in it', (name) => {
  expect(
    tarballMistakes(
      files.filter((file) => file !== name),
      manifest,
    ),
  ).toEqual([`the tarball has no ${name}`])
})

test('a package that was not built is named', () => {
  expect(tarballMistakes(['package.json', 'README.md', 'LICENSE'], manifest).join()).toContain('is the package built?')
})

test('sources and tests are not shipped', () => {
  expect(tarballMistakes([...files, 'src/index.ts', 'test/a.test.ts'], manifest)).toHaveLength(2)
})

test('the source condition does not leak', () => {
  const exports = { '.': { '@s3queue/source': './src/index.ts', default: './dist/index.js' } }
  expect(tarballMistakes(files, { ...manifest, exports })).toHaveLength(1)
})

test.each(['workspace:^', 'file:../storage', 'link:../storage', 'catalog:'])('a range %s is refused', (range) => {
  for (const field of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    expect(tarballMistakes(files, { [field]: { '@s3queue/storage': range } })).toHaveLength(1)
  }
})
