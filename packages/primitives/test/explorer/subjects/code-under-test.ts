/**
 * The code that actors run: what is in `src`, with private fields made public, so that the explorer can tell when two lives of a
 * process have come to the same point. And, on demand, with a defect planted into it.
 */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import * as storage from '@s3queue/storage'
import { build, type Plugin } from 'esbuild'

export type Primitives = typeof import('../../../src/index.ts')

/** One change to a source file: `from` must be found exactly once. */
export interface Patch {
  /** Relative to `src`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/**
 * Where the code tells what it knows. Whatever a walk is made for, once it reads the next slot all that counts is the walk itself, what the process
 * knows of the log, and how the walks of this call failed before. For a reader, also what it keeps between its calls, and where the call began.
 *
 * Each landmark must show all that the code behind it depends on: otherwise the explorer takes different states for one, misses
 * interleavings, and may lead a process in a circle that the code does not go in.
 */
const LANDMARKS: readonly Patch[] = [
  {
    file: 'log/walk.ts',
    from: '    const first = walk.slot + 1\n',
    to: "    const first = walk.slot + 1\n    log.ids.landmark(['walking', walk, ahead, log.memory])\n",
  },
  {
    file: 'log/walk.ts',
    from: '    const found = await readSnapshot(',
    to: "    log.ids.landmark(['starting', base, missing, log.memory])\n    const found = await readSnapshot(",
  },
  {
    file: 'log/take-over.ts',
    from: '    const walk = await beginWalk(',
    to: "    log.ids.landmark(['beginning', log.memory])\n    const walk = await beginWalk(",
  },
  {
    file: 'log/take-over.ts',
    from: 'await baseOvertook(log, walk, signal)',
    to: "await (log.ids.landmark(['checking', walk, log.memory]), baseOvertook(log, walk, signal))",
  },
  {
    file: 'log/take-over.ts',
    from: 'const detours = new Detours(log)',
    to: 'const detours = log.ids.holding(new Detours(log))',
  },
  {
    file: 'log/follower.ts',
    from: 'const detours = new Detours(this.#log)',
    to: 'const [detours] = this.#log.ids.holding([new Detours(this.#log), this, this.#walk?.slot])',
  },
]

const SOURCE = fileURLToPath(new URL('../../../src/', import.meta.url))
const requireBuiltin = createRequire(import.meta.url)

/**
 * The primitives as they are in `src`, but for `patches`. Throws if one does not fit exactly once. `landmarks`: whether the code tells what
 * it knows; without, more states are told apart, and as many things can happen. Default: only where nothing is patched.
 */
export async function loadPrimitives(
  patches: readonly Patch[] = [],
  landmarks: boolean = patches.length === 0,
): Promise<Primitives> {
  const all = landmarks ? [...LANDMARKS, ...patches] : patches
  const applied = new Set<Patch>()
  const { outputFiles } = await build({
    entryPoints: [`${SOURCE}index.ts`],
    bundle: true,
    write: false,
    logLevel: 'silent',
    format: 'cjs',
    platform: 'node',
    external: ['@s3queue/storage'],
    plugins: [patching(all, applied)],
  })
  for (const patch of all) if (!applied.has(patch)) throw new Error(`No file ${patch.file} was found to patch.`)
  const [output] = outputFiles
  if (output === undefined) throw new Error('There is no bundle.')
  const module: { exports: Primitives | undefined } = { exports: undefined }
  const require = (name: string): unknown => (name === '@s3queue/storage' ? storage : requireBuiltin(name))
  new Function('module', 'require', output.text)(module, require)
  if (module.exports === undefined) throw new Error('The bundle exports nothing.')
  return module.exports
}

function patching(patches: readonly Patch[], applied: Set<Patch>): Plugin {
  return {
    name: 'patching',
    setup({ onLoad }) {
      onLoad({ filter: /primitives[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
        let text = await readFile(path, 'utf8')
        for (const patch of patches) {
          if (path !== `${SOURCE}${patch.file}`) continue
          const times = text.split(patch.from).length - 1
          if (times !== 1)
            throw new Error(`${patch.file} holds ${JSON.stringify(patch.from)} ${times} times, not once.`)
          text = text.replace(patch.from, () => patch.to)
          applied.add(patch)
        }
        return { contents: text.replaceAll(/(?<![\w'"`])#(?=[a-z])/g, '_'), loader: 'ts' }
      })
    },
  }
}
