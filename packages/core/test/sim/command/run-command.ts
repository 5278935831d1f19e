/** The command, for whatever is to be simulated. */
import { runSeed } from '../run/run-seed.ts'
import type { Subject } from '../run/subject.ts'
import { type Arguments, helpFor, readArguments } from './arguments.ts'
import { runCampaign } from './campaign.ts'
import { describeProgress } from './progress.ts'
import { describeFailure } from './report.ts'

const REPORT_EVERY_MS = 5_000

/** Does what `argv` says. Resolves to the exit code: 1 if a seed fails, 2 if it was asked for in the wrong way. */
export async function runCommand(subject: Subject, argv: readonly string[]): Promise<number> {
  try {
    const given = readArguments(subject, argv)
    if (given.help) console.log(helpFor(subject))
    return given.help || (await (given.trace ? trace(subject, given) : campaign(subject, given))) ? 0 : 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 2
  }
}

async function trace(subject: Subject, { from: seed, weather }: Arguments): Promise<boolean> {
  const { violation } = await runSeed(seed, subject, { trace: (line) => console.log(line), weather })
  console.log(violation === undefined ? `Seed ${seed}: no violation.` : `Seed ${seed} fails: ${violation.stack}`)
  return violation === undefined
}

async function campaign(
  subject: Subject,
  { from, seeds, minutes, keepGoing, weather, options }: Arguments,
): Promise<boolean> {
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let reportedAt = startedAt
  let told = 0
  const result = await runCampaign({
    ...{ subject, from, seeds, weather },
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
  if (first !== undefined) console.log(`\n${await describeFailure(first, subject, weather, options)}`)
  return first === undefined
}
