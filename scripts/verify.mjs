/**
 * Every check of the repository with one command, the same here and in continuous integration. See `--help`.
 *
 * node scripts/verify.mjs [--only lint,types] [--skip tests]
 */
import path from 'node:path'
import { toolEnvironment } from './tool-environment.mjs'
import { chooseSteps, helpText } from './verify/choose-steps.mjs'
import { runSteps } from './verify/run-steps.mjs'
import { steps } from './verify/steps.mjs'

/** @returns {Promise<number>} the exit code */
async function main() {
  let choice
  try {
    choice = chooseSteps(process.argv.slice(2), steps)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error(helpText(steps))
    return 2
  }
  if (choice.help) {
    console.log(helpText(steps))
    return 0
  }
  const ok = await runSteps(choice.chosen, {
    cwd: path.resolve(import.meta.dirname, '..'),
    env: { ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}), ...toolEnvironment() },
    write: (text) => process.stdout.write(text),
  })
  return ok ? 0 : 1
}

process.exitCode = await main()
