/**
 * Proves a package as it is shipped: packs it, then checks the tarball and not the folder, because what is wrong in a release (a missing file, a
 * `workspace:` range, an entry that only resolves here) is right in the folder. Run in the folder of a built package.
 *
 * node ../../scripts/pack-check.mjs
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { tarballMistakes } from './packing/tarball-mistakes.mjs'
import { toolEnvironment } from './tool-environment.mjs'

const env = toolEnvironment()
const temporary = mkdtempSync(path.join(tmpdir(), 's3queue-pack-'))
try {
  const packed = execFileSync('pnpm', ['pack', '--json', '--pack-destination', temporary], { encoding: 'utf8', env })
  /** @type {{ filename: string, files: { path: string }[] }} */
  const { filename, files } = JSON.parse(packed)
  const manifest = execFileSync('tar', ['-xzOf', filename, 'package/package.json'], { encoding: 'utf8' })
  const mistakes = tarballMistakes(
    files.map((file) => file.path),
    JSON.parse(manifest),
  )
  for (const mistake of mistakes) console.error(`${path.basename(process.cwd())}: ${mistake}`)

  const shape = passes('publint', ['run', '--strict', filename])
  const types = passes('attw', ['--profile', 'esm-only', '--no-definitely-typed', '--format', 'ascii', filename])
  process.exitCode = mistakes.length === 0 && shape && types ? 0 : 1
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

/**
 * Runs a tool and shows its output if it fails.
 * @param {string} tool
 * @param {string[]} args
 */
function passes(tool, args) {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', env })
  if (status !== 0) console.error(stdout + stderr)
  return status === 0
}
