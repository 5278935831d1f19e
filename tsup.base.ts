import type { Options } from 'tsup'

/** What every package shares: ESM only, JavaScript by tsup, declarations by tsc (see `tsconfig.build.json`). */
export const base: Options = {
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  clean: true,
  dts: false,
}
