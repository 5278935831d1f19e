/** The closing line, shown on real runs of vitest that pass, fail and break in every way a run can break. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { judgeRun } from '../testing/judge-run.mjs'

const root = path.resolve(import.meta.dirname, '../..')

const good = { ended: 0 }

interface RunOptions {
  /** File name → source of a test file, written with vitest's globals. */
  readonly files: Readonly<Record<string, string>>
  readonly globalSetup?: string
  readonly countsFile?: boolean
}

function runVitest({ files, globalSetup, countsFile }: RunOptions) {
  const folder = mkdtempSync(path.join(tmpdir(), 's3queue-closing-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const config = {
    test: {
      globals: true,
      reporters: ['default', path.join(root, 'scripts/closing-line-reporter.mjs')],
      ...(globalSetup === undefined ? {} : { globalSetup: ['./setup.mjs'] }),
    },
  }
  writeFileSync(path.join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`)
  if (globalSetup !== undefined) writeFileSync(path.join(folder, 'setup.mjs'), globalSetup)
  for (const [name, source] of Object.entries(files)) writeFileSync(path.join(folder, name), source)
  const file = path.join(folder, 'counts.json')
  const env = { ...process.env, TEST_COUNTS_FILE: countsFile ? file : '' }
  const { status, stdout } = spawnSync('vitest', ['run', '--root', folder], { encoding: 'utf8', env })
  const counts = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  return { status, counts, stdout, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

test('a good run ends with its counts, and says where tests were skipped and why', () => {
  const run = runVitest({
    files: {
      'a.test.mjs': `test('one', () => {}); test('two', () => {}); test.skip('three', () => {}); test.todo('four')`,
      'b.test.mjs': `test('five', ({ skip }) => skip('no server was found'))`,
    },
  })
  expect(run).toMatchObject({ status: 0, lastLine: '2 passed, 0 failed, 3 skipped' })
  expect(run.stdout).toContain('skipped 2 in a.test.mjs')
  expect(run.stdout).toContain('skipped 1 in b.test.mjs: no server was found')
})

test('what fails outside a test counts as a failure', () => {
  const { status, lastLine } = runVitest({
    files: {
      'fails.test.mjs': `test('one', () => expect(1).toBe(2)); test('two', () => {})`,
      'broken.test.mjs': `import './nowhere.mjs'; test('three', () => {})`,
      'hook.test.mjs': `describe('suite', () => { afterAll(() => { throw new Error('hook') }); test('four', () => {}) })`,
      'late.test.mjs': `test('five', () => { Promise.reject(new Error('nobody waits')) })`,
    },
  })
  expect({ status, lastLine }).toEqual({ status: 1, lastLine: '3 passed, 4 failed, 0 skipped' })
})

test('a set-up that throws is no silent success', () => {
  const run = runVitest({
    files: { 'a.test.mjs': `test('one', () => {})` },
    globalSetup: `export default () => { throw new Error('no server') }`,
    countsFile: true,
  })
  expect(run.status).not.toBe(0)
  const { counts } = judgeRun({ build: good, tests: { ended: run.status ?? 1 }, countsText: run.counts })
  expect(counts).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('a set-up that ends the process is no silent success', () => {
  const run = runVitest({
    files: { 'a.test.mjs': `test('one', () => {})` },
    globalSetup: `export default () => process.exit(0)`,
    countsFile: true,
  })
  expect(run.counts).toBeUndefined()
  const { counts } = judgeRun({ build: good, tests: { ended: run.status ?? 1 }, countsText: run.counts })
  expect(counts).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('the counts go to the file instead when one is named', () => {
  const run = runVitest({ files: { 'a.test.mjs': `test('one', () => {})` }, countsFile: true })
  expect(run.counts).toBe('{"passed":1,"failed":0,"skipped":0}')
  expect(run.stdout).not.toContain('1 passed, 0 failed')
})

test.each([
  [0, '{"passed":3,"failed":0,"skipped":1}', { passed: 3, failed: 0, skipped: 1 }],
  [1, '{"passed":3,"failed":2,"skipped":1}', { passed: 3, failed: 2, skipped: 1 }],
  [1, '{"passed":3,"failed":0,"skipped":0}', { passed: 3, failed: 1, skipped: 0 }],
  [0, '{"passed":3,"failed":2,"skipped":1}', { passed: 3, failed: 2, skipped: 1 }],
  ['SIGKILL', undefined, { passed: 0, failed: 1, skipped: 0 }],
  [0, undefined, { passed: 0, failed: 1, skipped: 0 }],
  [0, '{"passed":3', { passed: 0, failed: 1, skipped: 0 }],
  [0, '{"passed":"3"}', { passed: 0, failed: 1, skipped: 0 }],
  [0, 'null', { passed: 0, failed: 1, skipped: 0 }],
])('vitest ended with %j and left %j', (ended, countsText, counts) => {
  const clean = ended === 0 && counts.failed === 0
  expect(judgeRun({ build: good, tests: { ended }, countsText }).counts).toEqual(counts)
  expect(judgeRun({ build: { ended: 1 }, tests: { ended }, countsText })).toEqual({
    counts: { ...counts, failed: counts.failed + 1 },
    remarks: clean ? [expect.stringContaining('build')] : expect.arrayContaining([expect.stringContaining('build')]),
  })
})
