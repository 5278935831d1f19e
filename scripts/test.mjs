/**
 * All tests with one honest last line. Builds, runs vitest in a process of its own with the arguments it was given, and prints
 * `N passed, N failed, N skipped` behind everything else.
 *
 * It exists for the runs that break outside a test: a build that fails, a global set-up that throws, a vitest that is killed.
 * Each of them ends non-zero and counts as a failure. After a failed build the tests run all the same: most need none.
 *
 * node scripts/test.mjs [arguments of `vitest run`]
 * With `TEST_CLOSING_LINE_FILE` in the environment the line is written to that file as well.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { closingLine } from './testing/counts.mjs'
import { judgeRun } from './testing/judge-run.mjs'
import { toolEnvironment } from './tool-environment.mjs'

const root = path.resolve(import.meta.dirname, '..')

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [extraEnv]
 * @returns {Promise<import('./testing/judge-run.mjs').Ending>}
 */
function run(command, args, extraEnv) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...toolEnvironment(), ...extraEnv } })
    child.on('error', (error) => resolve({ ended: error.message }))
    child.on('exit', (code, signal) => resolve({ ended: signal ?? code ?? 1 }))
  })
}

/** @returns {Promise<import('./testing/judge-run.mjs').Verdict>} */
async function main() {
  const build = await run('turbo', ['run', 'build', '--continue', '--output-logs=errors-only', '--log-prefix=none'])
  const folder = mkdtempSync(path.join(tmpdir(), 's3queue-test-'))
  try {
    const file = path.join(folder, 'counts.json')
    const tests = await run('vitest', ['run', ...process.argv.slice(2)], { TEST_COUNTS_FILE: file })
    return judgeRun({ build, tests, countsText: readText(file) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} file
 * @returns {string | undefined} undefined if there is no such file
 */
function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const { counts, remarks } = await main()
for (const remark of remarks) console.log(remark)
console.log(closingLine(counts))
const lineFile = process.env.TEST_CLOSING_LINE_FILE
if (lineFile) writeFileSync(lineFile, closingLine(counts))
process.exitCode = counts.failed === 0 ? 0 : 1
