/**
 * What a run of vitest amounts to, from how its process ended and the counts that it left behind. The two can disagree:
 * a set-up that throws leaves no counts, an error after the last test ends a run with good counts badly. The worse one wins.
 */

/** @typedef {{ ended: number | string }} Ending exit code, or signal or error in words */
/** @typedef {{ counts: import('./counts.mjs').Counts, remarks: string[] }} Verdict */

/**
 * @param {object} run
 * @param {Ending} run.build how the build before it ended
 * @param {Ending} run.tests how vitest ended
 * @param {string | undefined} run.countsText what the reporter wrote, undefined if it wrote nothing
 * @returns {Verdict} the remarks explain every failure that is no failed test
 */
export function judgeRun({ build, tests, countsText }) {
  const counts = (countsText === undefined ? undefined : parseCounts(countsText)) ?? {
    passed: 0,
    failed: 0,
    skipped: 0,
  }
  const remarks = []
  if (counts.passed + counts.failed + counts.skipped === 0) {
    counts.failed++
    remarks.push(
      `vitest ended ${inWords(tests)} before it had counted any test: one failure; see above for the reason.`,
    )
  } else if (tests.ended !== 0 && counts.failed === 0) {
    counts.failed++
    remarks.push(`No test failed, but vitest ended ${inWords(tests)}: one failure.`)
  }
  if (build.ended !== 0) {
    counts.failed++
    remarks.push(`The build ended ${inWords(build)}: one failure; its output is above that of the tests.`)
  }
  return { counts, remarks }
}

/** @param {Ending} ending */
function inWords({ ended }) {
  return typeof ended === 'number' ? `with exit code ${ended}` : `by ${ended}`
}

/**
 * @param {string} text
 * @returns {import('./counts.mjs').Counts | undefined} undefined if the text is cut off or something else
 */
function parseCounts(text) {
  /** @type {unknown} */
  let value
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { passed, failed, skipped } = /** @type {Record<string, unknown>} */ (value)
  if (typeof passed !== 'number' || typeof failed !== 'number' || typeof skipped !== 'number') return undefined
  return { passed, failed, skipped }
}
