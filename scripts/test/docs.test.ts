/** Every code block of the documentation works: it compiles, runs, ends by itself, and prints what it says. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { checkTypes } from '../docs/check-types.ts'
import { readPages } from '../docs/documents.ts'
import { writePrograms } from '../docs/programs.ts'
import { runProgram } from '../docs/run-program.ts'
import { checkShell } from '../docs/shell-lines.ts'

const root = path.resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 's3queue-docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pages = readPages(root)
const examples = pages.flatMap((page) => page.examples)
const programs = writePrograms(folder, examples)
const place = ({ page, line }: { page: string; line: number }): string => `${page}:${line}`

test.each(pages)('$page: it is clear of every block how it is checked', ({ problem }) => {
  expect(problem).toBeUndefined()
})

test.each(pages)('$page: its links lead somewhere', ({ page }) => {
  const text = readFileSync(path.join(root, page), 'utf8')
  const links = [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, link = '']) => link)
  expect(links.filter((link) => !existsSync(path.join(root, path.dirname(page), link)))).toEqual([])
})

test('the pages that must have examples have some', () => {
  const withCode = new Set(programs.map(({ example }) => example.page))
  for (const page of [
    'README.md',
    'packages/core/README.md',
    'docs/guarantees.md',
    'docs/cost.md',
    'docs/operations.md',
  ])
    expect(withCode).toContain(page)
})

test('the examples are right TypeScript', { timeout: 60_000 }, async () => {
  expect(await checkTypes(root, folder, programs)).toEqual([])
})

const json = examples.filter(({ language }) => language === 'json')
test.each(json.map((example) => [place(example), example.code]))('%s is JSON', (_, code) => {
  expect(() => JSON.parse(code)).not.toThrow()
})

const shell = examples.filter(({ language }) => language === 'sh')
const commands = shell.map((example) => [place(example), example.code] as const)
test.each(commands)('%s: these commands are there', { timeout: 60_000 }, (_, code) => {
  expect(checkShell(root, code)).toEqual([])
})

describe.concurrent('runs', { timeout: 60_000 }, () => {
  const runnable = programs.filter(({ example }) => !example.typesOnly && !example.onS3)
  test.each(runnable.map((program) => [place(program.example), program] as const))('%s', async (_, program) => {
    await runProgram(program)
  })
})
