import { parseArgs } from 'node:util'

/** @typedef {import('./steps.mjs').Step} Step */

/**
 * Reads the command line of `pnpm verify`.
 * @param {readonly string[]} args
 * @param {readonly Step[]} steps
 * @returns {{ help: boolean, chosen: Step[] }} the chosen steps in the order of `steps`
 * @throws {Error} for an option or a step that does not exist, and when nothing is left to do
 */
export function chooseSteps(args, steps) {
  // pnpm hands on the `--` of `pnpm verify -- --only lint`.
  const { values } = parseArgs({
    args: args[0] === '--' ? args.slice(1) : [...args],
    options: { only: { type: 'string' }, skip: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: false,
  })
  const only = values.only === undefined ? undefined : namesOf(values.only, steps)
  const skip = namesOf(values.skip ?? '', steps)
  const chosen = steps.filter(({ name }) => (only === undefined || only.includes(name)) && !skip.includes(name))
  if (chosen.length === 0) throw new Error('No step is left to run.')
  return { help: values.help === true, chosen }
}

/**
 * @param {string} list names between commas
 * @param {readonly Step[]} steps
 */
function namesOf(list, steps) {
  const names = list.split(',').filter((name) => name !== '')
  const known = steps.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no step ${JSON.stringify(unknown)}. The steps are ${known.join(', ')}.`)
  return names
}

/**
 * @param {readonly Step[]} steps
 * @returns {string}
 */
export function helpText(steps) {
  const width = Math.max(...steps.map(({ name }) => name.length))
  return [
    'pnpm verify [--only a,b] [--skip a,b]',
    '',
    'Runs every check of the repository, goes on after a failure, and sums up at the end. Steps:',
    ...steps.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}`),
  ].join('\n')
}
