/** The core as it is in `src`, with defects planted into it: each a text of one source file that is replaced by another. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import * as primitives from '@s3queue/primitives'
import * as storage from '@s3queue/storage'
import { build, type Plugin } from 'esbuild'
import type { CoreUnderTest } from './core-under-test.ts'

export interface Patch {
  /** Relative to the folder of packages: `core/src/settle.ts`. */
  readonly file: string
  /** Must be found exactly once. */
  readonly from: string
  readonly to: string
}

const PACKAGES = fileURLToPath(new URL('../../../../', import.meta.url))
const requireBuiltin = createRequire(import.meta.url)

/** The core, as `entry` exports it. */
export function loadCore(patches: readonly Patch[], entry: string): Promise<CoreUnderTest> {
  return loadPlanted<CoreUnderTest>(patches, entry)
}

/** `entry`: whose exports are the code under test, relative to the folder of packages. Throws if a patch does not fit exactly once. */
export async function loadPlanted<T>(patches: readonly Patch[], entry: string): Promise<T> {
  const applied = new Set<Patch>()
  const touchesPrimitives = patches.some(({ file }) => file.startsWith('primitives/'))
  const { outputFiles } = await build({
    entryPoints: [`${PACKAGES}${entry}`],
    ...{
      bundle: true,
      write: false,
      logLevel: 'silent',
      format: 'cjs',
      platform: 'node',
      conditions: ['@s3queue/source'],
    },
    plugins: [
      sharing(touchesPrimitives ? ['@s3queue/storage'] : ['@s3queue/storage', '@s3queue/primitives']),
      planting(patches, applied),
    ],
  })
  for (const patch of patches)
    if (!applied.has(patch)) throw new Error(`No file ${patch.file} was found to plant a defect into.`)
  const [output] = outputFiles
  if (output === undefined) throw new Error('There is no bundle.')
  const module: { exports: T | undefined } = { exports: undefined }
  const known: Record<string, unknown> = { '@s3queue/storage': storage, '@s3queue/primitives': primitives }
  new Function('module', 'require', output.text)(module, (name: string): unknown => known[name] ?? requireBuiltin(name))
  if (module.exports === undefined) throw new Error('The bundle exports nothing.')
  return module.exports
}

/** These packages are not copied into the bundle, as their errors must be those of the simulation. Their other entries may be planted into. */
function sharing(packages: readonly string[]): Plugin {
  return {
    name: 'sharing',
    setup({ onResolve }) {
      onResolve({ filter: /^@s3queue\// }, ({ path }) =>
        packages.includes(path) ? { path, external: true } : undefined,
      )
    },
  }
}

function planting(patches: readonly Patch[], applied: Set<Patch>): Plugin {
  return {
    name: 'planting',
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
        const fitting = patches.filter(({ file }) => path === `${PACKAGES}${file}`)
        let contents = await readFile(path, 'utf8')
        for (const patch of fitting) {
          const times = contents.split(patch.from).length - 1
          if (times !== 1)
            throw new Error(`${patch.file} holds ${JSON.stringify(patch.from)} ${times} times, not once.`)
          contents = contents.replace(patch.from, () => patch.to)
          applied.add(patch)
        }
        return { contents, loader: 'ts' }
      })
    },
  }
}
