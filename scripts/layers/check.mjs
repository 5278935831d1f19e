/** All rules of the architecture over a repository on disk. */
import { reservedModules, unpublishedEntries, wrongArrows } from './arrows.mjs'
import { layers, reserved, tableMistakes } from './table.mjs'
import { readWorkspace } from './workspace.mjs'

/** A file longer than this has probably more than one job. */
const LONG_FILE_LINES = 400

/**
 * @param {string} root
 * @returns {{ violations: import('./arrows.mjs').Violation[], warnings: string[], summary: string }}
 */
export function checkLayers(root) {
  const packages = readWorkspace(root)
  const files = packages.flatMap((each) => each.files)
  const violations = [
    ...tableMistakes(layers).map((rule) => ({ file: 'scripts/layers/table.mjs', line: 1, arrow: 'table', rule })),
    ...wrongArrows(packages, layers),
    ...reservedModules(packages, reserved),
    ...unpublishedEntries(packages, layers),
  ]
  const warnings = files
    .filter(({ shipped, lines }) => shipped && lines > LONG_FILE_LINES)
    .map(({ file, lines }) => `${file} has ${lines} lines; above ${LONG_FILE_LINES} it is worth a split`)
  return { violations, warnings, summary: `${packages.length} packages, ${files.length} files` }
}
