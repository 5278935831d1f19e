/**
 * Runs steps one after the other, with a progress line for each, and sums up. A step that fails shows its output and does not stop the others: one run tells everything
 * that is wrong.
 */
import { spawn } from 'node:child_process'

/** @typedef {import('./steps.mjs').Step} Step */

/**
 * @typedef {object} Surroundings
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {(text: string) => void} write
 */

const CLOSING_LINE = /^\d+ passed, \d+ failed, \d+ skipped$/

/**
 * @param {readonly Step[]} steps
 * @param {Surroundings} surroundings
 * @returns {Promise<boolean>} whether all went well
 */
export async function runSteps(steps, surroundings) {
  const { write } = surroundings
  const width = Math.max(...steps.map(({ name }) => name.length))
  /** @type {string[]} */
  const summary = []
  let failures = 0
  /** @type {string | undefined} */
  let closing
  for (const [index, step] of steps.entries()) {
    write(`[${index + 1}/${steps.length}] ${step.name.padEnd(width)}  ${step.what} …${step.shown ? '\n' : ''}`)
    const startedMs = performance.now()
    const { ok, output } = await runStep(step, surroundings)
    const verdict = `${ok ? 'ok' : 'FAILED'} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`
    write(step.shown ? '' : ` ${verdict}\n`)
    if (!ok && !step.shown) write(`${output.trimEnd()}\n`)
    if (!ok) failures++
    summary.push(`  ${step.name.padEnd(width)}  ${verdict}`)
    closing =
      output
        .trimEnd()
        .split('\n')
        .findLast((line) => CLOSING_LINE.test(line)) ?? closing
  }
  write(`\n${failures === 0 ? 'All is well' : `${failures} of ${steps.length} steps failed`}\n${summary.join('\n')}\n`)
  if (closing !== undefined) write(`${closing}\n`)
  return failures === 0
}

/**
 * @param {Step} step
 * @param {Surroundings} surroundings
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
async function runStep(step, surroundings) {
  let ok = true
  let output = ''
  for (const command of step.commands) {
    const result = await runCommand(command, surroundings, (text) => {
      output += text
      if (step.shown) surroundings.write(text)
    })
    ok &&= result
  }
  return { ok, output }
}

/**
 * @param {readonly string[]} command
 * @param {Surroundings} surroundings
 * @param {(text: string) => void} onOutput
 * @returns {Promise<boolean>} whether it ended with exit code 0
 */
function runCommand([program = '', ...args], { cwd, env }, onOutput) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', onOutput)
    child.stderr.setEncoding('utf8').on('data', onOutput)
    child.on('error', (error) => {
      onOutput(`${program} cannot be run: ${error.message}\n`)
      resolve(false)
    })
    child.on('close', (code) => resolve(code === 0))
  })
}
