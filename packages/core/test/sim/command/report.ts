/** What is said of a seed that fails: the violation, what happened last, and how to see it again. */

import type { CoreUnderTest } from '../run/core-under-test.ts'
import { runSeed, type SeedResult } from '../run/run-seed.ts'
import { WEATHERS, type WeatherName } from '../run/weather.ts'

const LAST_LINES = 60

/** Runs a failing seed once more, this time with its trace. */
export async function describeFailure(
  { seed, violation }: SeedResult,
  core: CoreUnderTest,
  weather?: WeatherName,
): Promise<string> {
  const lines: string[] = []
  const trace = (line: string): void => void lines.push(line.length > 400 ? `${line.slice(0, 400)}…` : line)
  const again = await runSeed(seed, core, { trace, weather: weather && WEATHERS[weather] })
  const isSame = again.violation?.message === violation?.message
  return [
    `Seed ${seed} fails: ${violation?.message}`,
    ...(isSame
      ? []
      : [`A second run of it said: ${again.violation?.message ?? 'nothing'}. A run must depend on its seed alone.`]),
    '',
    `What happened last (of ${lines.length} lines):`,
    ...lines.slice(-LAST_LINES),
    '',
    ...(violation?.stack?.split('\n').slice(0, 8) ?? []),
    '',
    `All of it: pnpm --filter @s3queue/core sim -- --seed ${seed}${weather ? ` --weather ${weather}` : ''} --trace`,
  ].join('\n')
}
