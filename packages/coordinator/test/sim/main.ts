/** The command: `pnpm --filter @s3queue/coordinator sim -- --help`. */

import { parseArgs } from 'node:util'
import * as core from '@s3queue/core'
import { runCampaign } from '../../../core/test/sim/command/campaign.ts'
import { describeProgress } from '../../../core/test/sim/command/progress.ts'
import { runSeed } from '../../../core/test/sim/run/run-seed.ts'
import * as coordinator from '../../src/index.ts'
import { withMailboxes } from './pods.ts'
import { manyPods, POD_WEATHER_NAMES, POD_WEATHERS } from './weather.ts'

const HELP = `Runs pods on one queue in simulated worlds: a faulty store, crashes, pauses, partitions and wrong clocks, in virtual time.
What a world is like and what happens in it depends on its seed alone.

  --pods <n>      processes at the beginning (5)
  --seeds <n>     how many seeds to run (200)
  --from <n>      the first one (1)
  --keep-going    do not stop at the first seed that fails
  --weather <w>   worlds that are rough in one way: ${POD_WEATHER_NAMES.join(', ')}
  --seed <n>      run this one alone, and tell everything that happens in it
`
const REPORT_EVERY_MS = 5_000

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new Error(`--${name} takes a whole number, not ${JSON.stringify(text)}.\n\n${HELP}`)
  return Number(text)
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      ...{ pods: { type: 'string', default: '5' }, seeds: { type: 'string', default: '200' } },
      ...{ from: { type: 'string', default: '1' }, seed: { type: 'string' }, weather: { type: 'string' } },
      'keep-going': { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return true
  }
  const named = POD_WEATHER_NAMES.find((name) => name === values.weather)
  if (values.weather !== undefined && named === undefined)
    throw new Error(`--weather takes one of ${POD_WEATHER_NAMES.join(', ')}.`)
  const weather = named === undefined ? manyPods(wholeNumber('pods', values.pods)) : POD_WEATHERS[named]
  const pods = withMailboxes({ ...core, ...coordinator })
  if (values.seed !== undefined) {
    const trace = (line: string): void => console.log(line)
    const { violation } = await runSeed(wholeNumber('seed', values.seed), pods, { weather, trace })
    console.log(violation === undefined ? 'No violation.' : violation.stack)
    return violation === undefined
  }
  const startedAt = performance.now()
  let reportedAt = startedAt
  let told = 0
  const { failures, ...rest } = await runCampaign({
    ...{ core: pods, weather, from: wholeNumber('from', values.from), seeds: wholeNumber('seeds', values.seeds) },
    goOn(soFar) {
      if (performance.now() - reportedAt > REPORT_EVERY_MS) {
        reportedAt = performance.now()
        console.log(describeProgress(soFar, reportedAt - startedAt))
      }
      for (const { seed, violation } of soFar.failures.slice(told)) {
        console.log(`Seed ${seed} fails: ${violation?.message}\n  To see it: the same command with --seed ${seed}`)
      }
      told = soFar.failures.length
      return values['keep-going'] || told === 0
    },
  })
  console.log(describeProgress({ failures, ...rest }, performance.now() - startedAt))
  return failures.length === 0
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
