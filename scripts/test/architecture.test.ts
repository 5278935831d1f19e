import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** The files that the section `heading` of ARCHITECTURE.md names, in order of their names. */
function filesNamedIn(heading: string): string[] {
  const page = readFileSync(path.join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const [, section = ''] = page.split(`\n### ${heading}\n`)
  const [own = ''] = section.split('\n## ')
  return Array.from(own.matchAll(/`([a-z-]+\.ts)`/g), ([, name = '']) => name).sort()
}

it('ARCHITECTURE.md names each file of the engine and the worker once, and none that is gone', () => {
  const files = ['engine', 'worker'].flatMap((folder) => readdirSync(path.join(ROOT, 'packages/core/src', folder)))
  expect(filesNamedIn('Inside the engine')).toEqual(files.sort())
})
