/** What the checks of the documentation find, on pages that are wrong on purpose. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkTypes } from '../docs/check-types.ts'
import { parseExamples } from '../docs/documents.ts'
import { type Program, writePrograms } from '../docs/programs.ts'
import { runProgram } from '../docs/run-program.ts'
import { checkShell } from '../docs/shell-lines.ts'

const root = path.resolve(import.meta.dirname, '../..')

/** The programs of a page, and the folder they are in. */
function programsOf(...lines: string[]): { folder: string; programs: Program[]; first: Program } {
  const folder = mkdtempSync(path.join(tmpdir(), 's3queue-docs-checks-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const programs = writePrograms(folder, parseExamples('page.md', lines.join('\n')))
  const [first] = programs
  if (first === undefined) throw new Error('the page has no program')
  return { folder, programs, first }
}

test('blocks are found with what their page says about them', () => {
  const text = [
    '<!-- setup: queue',
    'const queue = 1',
    '@example',
    'close(queue)',
    '-->',
    '<!-- example: queue, types -->',
    '',
    '```ts',
    'use(queue)',
    '```',
    '1. in a list',
    '   <!-- example: s3 -->',
    '   ```sh',
    '   pnpm test',
    '   ```',
  ]
  const setup = 'const queue = 1\n@example\nclose(queue)'
  const common = { page: 'page.md', setup: undefined, typesOnly: false, onS3: false }
  expect(parseExamples('page.md', text.join('\n'))).toEqual([
    { ...common, line: 9, language: 'ts', code: 'use(queue)', setup, typesOnly: true },
    { ...common, line: 14, language: 'sh', code: 'pnpm test', onS3: true },
  ])
})

test.each([
  ['a block without a language', ['```', 'code', '```'], 'page.md:1: a code block is one of'],
  ['a block of a language nobody checks', ['text', '```python', 'code', '```'], 'page.md:2: a code block is one of'],
  ['a setup that is not there', ['<!-- example: queue -->', '```ts', '```'], 'page.md:1: there is no setup "queue"'],
  [
    'a comment without a block',
    ['<!-- example: types -->', 'text', '```ts', '```'],
    'page.md:1: no code block follows',
  ],
  ['a comment at the end', ['<!-- example: types -->'], 'page.md:1: no code block follows'],
  ['a comment of another form', ['<!--example: types-->'], 'page.md:1: this comment is not of the form'],
  ['a setup without an end', ['<!-- setup: queue', 'const a = 1'], 'page.md:1: this setup has no end'],
  ['a block without an end', ['```ts', 'const a = 1'], 'page.md:1: no end'],
])('%s is an error', (_, lines, message) => {
  expect(() => parseExamples('page.md', lines.join('\n'))).toThrow(message)
})

test('types are checked, and errors are told by the line of the page', async () => {
  const lines = ['<!-- setup: one', 'const one = 1', '@example', '-->', '<!-- example: one -->', '```ts']
  const { folder, programs } = programsOf(...lines, '', 'const two: string = one', '```', '```ts', 'export {}', '```')
  expect(await checkTypes(root, folder, programs)).toEqual([
    "page.md:8: error TS2322: Type 'number' is not assignable to type 'string'.",
  ])
})

test('an example runs in its setup, with the packages of the repository', async () => {
  const code = ['<!-- setup: store', "import { createMemoryStore } from '@s3queue/storage-memory'", '@example', '-->']
  const block = ['<!-- example: store -->', '```ts', 'console.log(createMemoryStore().size) // 0', '```']
  await expect(runProgram(programsOf(...code, ...block).first)).resolves.toBeUndefined()
})

test.each([
  ['prints something else', ["console.log('a') // b"], 'did not print "b"'],
  ['throws', ["throw new Error('broken')"], 'broken'],
  ['cannot be resolved', ["import 'no-such-package'"], 'no-such-package'],
])('an example that %s fails', async (_, code, message) => {
  await expect(runProgram(programsOf('```js', ...code, '```').first)).rejects.toThrow(message)
})

test('what an example prints counts in its order', async () => {
  const { first } = programsOf('```js', "console.log('b')", "console.log('a')", '```')
  await expect(runProgram({ ...first, prints: ['b', 'a'] })).resolves.toBeUndefined()
  await expect(runProgram({ ...first, prints: ['a', 'b'] })).rejects.toThrow('did not print "b"')
})

test('commands that are there pass', () => {
  const code = [
    'npx -y pnpm@12.21.0 demo --crash   # a comment',
    '# another',
    'pnpm --filter @s3queue/storage-fs... build',
    'pnpm vitest --project unit packages/core',
    'npm install @s3queue/core zod',
    'pnpm verify --only lint',
  ]
  expect(checkShell(root, code.join('\n'))).toEqual([])
})

test.each([
  ['npx -y pnpm@11.0.0 demo', 'the package manager is pnpm@'],
  ['npx -y pnpm@12.21.0 dmo', 'there is no script "dmo"'],
  ['npx -y pnpm@12.21.0 demo --fast', 'demo knows no --fast'],
  ['pnpm test packages/nowhere', 'there is no packages/nowhere'],
  ['pnpm --filter @s3queue/nothing build', 'there is no package @s3queue/nothing'],
  ['npm install @s3queue/demo', 'there is no package @s3queue/demo'],
  ['make', 'nothing is known of this command'],
])('the command "%s" is refused', (line, message) => {
  expect(checkShell(root, line)).toEqual([expect.stringContaining(message)])
})
