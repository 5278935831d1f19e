/**
 * Checks the architecture: layers point down only, heavy modules stay in their package, packages meet at published entries.
 * Long files are named, without failing. The rules are in `scripts/layers/`; cycles between files are biome's job.
 *
 * node scripts/check-layers.mjs [root of the repository]
 */
import path from 'node:path'
import { checkLayers } from './layers/check.mjs'

const root = path.resolve(process.argv[2] ?? path.resolve(import.meta.dirname, '..'))
const { violations, warnings, summary } = checkLayers(root)

for (const warning of warnings) console.log(`warning: ${warning}`)
for (const { file, line, arrow, rule } of violations) console.log(`${file}:${line}: ${arrow}\n    ${rule}`)
console.log(violations.length === 0 ? `${summary}: all arrows point down` : `${summary}: ${violations.length} wrong`)
process.exitCode = violations.length === 0 ? 0 : 1
