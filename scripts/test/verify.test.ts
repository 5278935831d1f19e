import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { chooseSteps, helpText } from '../verify/choose-steps.mjs'
import { runSteps } from '../verify/run-steps.mjs'
import { type Step, steps } from '../verify/steps.mjs'

const names = (args: string[]): string[] => chooseSteps(args, steps).chosen.map(({ name }) => name)

/** Runs steps made of one line of JavaScript each. */
async function runPlanted(...planted: (Pick<Step, 'name' | 'shown'> & { code: string[] })[]) {
  let output = ''
  const ok = await runSteps(
    planted.map(({ code, ...step }) => ({
      ...step,
      what: 'planted',
      commands: code.map((line) => ['node', '-e', line]),
    })),
    { cwd: tmpdir(), env: process.env, write: (text) => (output += text) },
  )
  return { ok, output, lastLine: output.trimEnd().split('\n').at(-1) }
}

test('all steps run unless told otherwise', () => {
  expect(names([])).toEqual(steps.map(({ name }) => name))
})

test('--only and --skip choose, in the order of the list', () => {
  expect(names(['--only', 'types,lint'])).toEqual(['lint', 'types'])
  expect(names(['--', '--only=lint'])).toEqual(['lint'])
  expect(names(['--skip', 'tests'])).not.toContain('tests')
  expect(names(['--only', 'lint,tests', '--skip', 'tests'])).toEqual(['lint'])
})

test.each([[['--only', 'lnt']], [['--skip', 'test']], [['--onyl', 'lint']], [['lint']], [['--only', '']]])(
  '%j is refused',
  (args) => {
    expect(() => names(args)).toThrow()
  },
)

test('the help names every step', () => {
  for (const { name } of steps) expect(helpText(steps)).toContain(name)
  expect(chooseSteps(['--help'], steps).help).toBe(true)
})

test('a failure shows its output and does not stop what follows', async () => {
  const { ok, output } = await runPlanted(
    { name: 'one', code: ['console.log("loud and wrong"); process.exit(3)', 'console.log("second command")'] },
    { name: 'two', code: ['console.log("quiet")'] },
  )
  expect(ok).toBe(false)
  expect(output).toContain('loud and wrong')
  expect(output).toContain('second command')
  expect(output).not.toContain('quiet')
  expect(output).toMatch(/1 of 2 steps failed\n {2}one {2}FAILED \(\d+\.\d s\)\n {2}two {2}ok \(/)
})

test('a step that fails in its first command alone has failed', async () => {
  expect((await runPlanted({ name: 'one', code: ['process.exit(1)', 'process.exit(0)'] })).ok).toBe(false)
})

test('a program that is not there is a failure in words', async () => {
  let output = ''
  const planted = { name: 'one', what: 'planted', commands: [['no-such-program-here']] }
  const ok = await runSteps([planted], { cwd: tmpdir(), env: process.env, write: (text) => (output += text) })
  expect(ok).toBe(false)
  expect(output).toContain('no-such-program-here cannot be run')
})

test('the closing line of the tests is the last line', async () => {
  const { ok, lastLine, output } = await runPlanted(
    { name: 'tests', code: ['console.log("a dot\\n7 passed, 0 failed, 1 skipped")'], shown: true },
    { name: 'after', code: [''] },
  )
  expect({ ok, lastLine }).toEqual({ ok: true, lastLine: '7 passed, 0 failed, 1 skipped' })
  expect(output).toContain('a dot')
})
