/**
 * The steps of `pnpm verify`, in order: what is quick and finds most comes first.
 *
 * @typedef {object} Step
 * @property {string} name for `--only` and `--skip`
 * @property {string} what in words, for the progress line
 * @property {readonly (readonly string[])[]} commands run one after the other, all of them even if one fails
 * @property {boolean} [shown] whether the output is shown as it comes, and not only after a failure
 */

/** @param {...string} args */
function turbo(...args) {
  return ['turbo', 'run', ...args, '--continue', '--output-logs=errors-only', '--log-prefix=task']
}

/** @type {readonly Step[]} */
export const steps = [
  {
    name: 'lint',
    what: 'style, mistakes, ambient time and randomness (biome)',
    commands: [['biome', 'check', '--error-on-warnings', '.']],
  },
  { name: 'layers', what: 'imports point down only', commands: [['node', 'scripts/check-layers.mjs']] },
  {
    name: 'types',
    what: 'types of sources, tests and scripts (tsc)',
    commands: [turbo('typecheck'), ['tsc', '-p', 'scripts']],
  },
  { name: 'unused', what: 'unused files, exports and dependencies (knip)', commands: [['knip']] },
  { name: 'build', what: 'JavaScript and declarations (tsup, tsc)', commands: [turbo('build')] },
  { name: 'api', what: 'public API as in etc/*.api.md (api-extractor)', commands: [turbo('check:api')] },
  { name: 'pack', what: 'packages as they are shipped (publint, attw)', commands: [turbo('check:pack')] },
  { name: 'tests', what: 'all tests (vitest)', commands: [['node', 'scripts/test.mjs']], shown: true },
]
