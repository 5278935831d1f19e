/** The command: `pnpm --filter @s3queue/core sim -- --help`. */
import * as core from '../../../src/index.ts'
import { runSeed } from '../run/run-seed.ts'
import { WEATHERS } from '../run/weather.ts'
import { type Arguments, HELP, readArguments } from './arguments.ts'
import { runCampaign } from './campaign.ts'
import { describeProgress } from './progress.ts'
import { describeFailure } from './report.ts'

const REPORT_EVERY_MS = 5_000

async function trace({ from: seed, weather }: Arguments): Promise<boolean> {
  const { violation } = await runSeed(seed, core, {
    trace: (line) => console.log(line),
    weather: weather && WEATHERS[weather],
  })
  console.log(violation === undefined ? `Seed ${seed}: no violation.` : `Seed ${seed} fails: ${violation.stack}`)
  return violation === undefined
}

async function campaign({ from, seeds, minutes, keepGoing, weather }: Arguments): Promise<boolean> {
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let reportedAt = startedAt
  let told = 0
  const result = await runCampaign({
    ...{ core, from, seeds, weather: weather && WEATHERS[weather] },
    goOn(soFar) {
      if (performance.now() - reportedAt > REPORT_EVERY_MS) {
        reportedAt = performance.now()
        console.log(describeProgress(soFar, elapsedMs()))
      }
      for (const { seed, violation } of soFar.failures.slice(told))
        console.log(`Seed ${seed} fails: ${violation?.message}`)
      told = soFar.failures.length
      return (keepGoing || told === 0) && elapsedMs() < minutes * 60_000
    },
  })
  console.log(describeProgress(result, elapsedMs()))
  const [first] = result.failures
  if (first !== undefined) console.log(`\n${await describeFailure(first, core, weather)}`)
  return first === undefined
}

async function main(): Promise<boolean> {
  const given = readArguments(process.argv.slice(2))
  if (given.help) console.log(HELP)
  return given.help || (given.trace ? trace(given) : campaign(given))
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
