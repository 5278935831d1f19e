import path from 'node:path'
import { expect, test } from 'vitest'
import { publishedEntries } from '../published-entries.mjs'
import { plantRepository } from './planted-repository.ts'

function entriesOf(manifest: Record<string, unknown>): string[] {
  const folder = path.join(plantRepository([{ folder: 'packages/storage', manifest, files: {} }]), 'packages/storage')
  return publishedEntries(folder).map(({ reportName, types }) => `${reportName} ${path.relative(folder, types)}`)
}

test('every entry with types has a report of its own', () => {
  const exports = {
    '.': { '@s3queue/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    './testing': { types: './dist/testing/index.d.ts', default: './dist/testing/index.js' },
    './package.json': './package.json',
  }
  expect(entriesOf({ exports })).toEqual(['storage dist/index.d.ts', 'storage.testing dist/testing/index.d.ts'])
})

test('what is published counts, not what the repository itself can import', () => {
  const publishConfig = { exports: { '.': { types: './dist/index.d.ts' } } }
  const exports = { '.': { types: './dist/index.d.ts' }, './internal': { types: './dist/internal.d.ts' } }
  expect(entriesOf({ exports, publishConfig })).toEqual(['storage dist/index.d.ts'])
})
