/**
 * A vitest reporter beside the default one. It ends the run with `N passed, N failed, N skipped`, or, when
 * `TEST_COUNTS_FILE` names a file, leaves the counts there for `scripts/test.mjs`, which prints the line after
 * everything else that vitest has to say.
 */
import { writeFileSync } from 'node:fs'
import { closingLine, countRun, skippedLines } from './testing/counts.mjs'

/** @implements {Pick<import('vitest/node').Reporter, 'onTestRunEnd'>} */
export default class ClosingLineReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   * @param {import('vitest/node').TestRunEndReason} reason
   */
  onTestRunEnd(modules, unhandledErrors, reason) {
    const counts = countRun(modules, unhandledErrors.length, reason)
    for (const line of skippedLines(modules)) console.log(line)
    const file = process.env.TEST_COUNTS_FILE
    if (file) writeFileSync(file, JSON.stringify(counts))
    else console.log(closingLine(counts))
  }
}
