/**
 * How many tests passed, failed and were skipped, and the line that says so.
 *
 * What fails outside a test (a file that cannot be loaded, a hook of a suite, an error that nobody caught) counts as one
 * failure each, so that the line never says `0 failed` for a run that failed.
 */

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * The closing line of a run. Exactly this shape, because continuous integration reads it.
 * @param {Counts} counts
 * @returns {string}
 */
export function closingLine(counts) {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`
}

/**
 * Counts a finished run.
 * @param {readonly import('vitest/node').TestModule[]} modules
 * @param {number} unhandledErrors errors that belong to no test
 * @param {import('vitest/node').TestRunEndReason} reason how vitest itself judges the run
 * @returns {Counts}
 */
export function countRun(modules, unhandledErrors, reason) {
  const counts = { passed: 0, failed: unhandledErrors, skipped: 0 }
  for (const module of modules) {
    counts.failed += module.errors().length
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed++
      else if (state === 'failed') counts.failed++
      else if (state === 'skipped') counts.skipped++
      // A test still pending at the end was cut off: it did not pass.
      else counts.failed++
    }
  }
  if (reason !== 'passed' && counts.failed === 0) counts.failed = 1
  return counts
}

/**
 * One line for each file with skipped tests, so that a suite left out for want of a server does not go unnoticed.
 * @param {readonly import('vitest/node').TestModule[]} modules
 * @returns {string[]}
 */
export function skippedLines(modules) {
  const lines = []
  for (const module of modules) {
    /** @type {Set<string>} */
    const reasons = new Set()
    let skipped = 0
    for (const test of module.children.allTests('skipped')) {
      skipped++
      const result = test.result()
      if (result.state === 'skipped' && result.note) reasons.add(result.note)
    }
    const why = reasons.size > 0 ? `: ${[...reasons].join('; ')}` : ''
    if (skipped > 0) lines.push(`skipped ${skipped} in ${module.relativeModuleId}${why}`)
  }
  return lines
}
