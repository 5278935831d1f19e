/** What is said of a seed that fails: the violation, what happened last, and how to see it again. */
import type { Profile } from '../run/profile.ts'
import { runSeed, type SeedResult } from '../run/run-seed.ts'
import type { Subject } from '../run/subject.ts'

const LAST_LINES = 60

/** Runs a failing seed once more, this time with its trace. `options`: what the command must be told to make such weather. */
export async function describeFailure(
  { seed, violation }: SeedResult,
  subject: Subject,
  weather?: Partial<Profile>,
  options: string = '',
): Promise<string> {
  const lines: string[] = []
  const trace = (line: string): void => void lines.push(line.length > 400 ? `${line.slice(0, 400)}…` : line)
  const again = await runSeed(seed, subject, { trace, weather })
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
    `All of it: pnpm --filter ${subject.name} sim -- --seed ${seed}${options} --trace`,
  ].join('\n')
}
