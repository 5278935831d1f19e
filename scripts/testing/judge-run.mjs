/**
 * What a run of vitest amounts to, from how its process ended and the counts that it left behind. The two can disagree:
 * a set-up that throws leaves no counts, an error after the last test ends a run with good counts badly. The worse one wins.
 */

/** @typedef {{ ended: number | string }} Ending exit code, or signal or error in words */
/** @typedef {{ counts: import('./counts.mjs').Counts, remark: string | undefined }} Verdict */

/**
 * @param {Ending} ending
 * @param {string | undefined} countsText what the reporter wrote, undefined if it wrote nothing
 * @returns {Verdict}
 */
export function judgeRun(ending, countsText) {
  const how = typeof ending.ended === 'number' ? `with exit code ${ending.ended}` : `by ${ending.ended}`
  const counts = countsText === undefined ? undefined : parseCounts(countsText)
  if (counts === undefined) {
    return {
      counts: { passed: 0, failed: 1, skipped: 0 },
      remark: `vitest ended ${how} before it had counted any test; see above for the reason.`,
    }
  }
  if (ending.ended !== 0 && counts.failed === 0) {
    return {
      counts: { ...counts, failed: 1 },
      remark: `All tests passed, but vitest ended ${how}: counted as a failure.`,
    }
  }
  return { counts, remark: undefined }
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
