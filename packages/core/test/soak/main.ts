/** The command: `pnpm --filter @s3queue/core soak -- --help`. */
import { parseArgs } from 'node:util'
import { growth } from './flat.ts'
import type { Sample } from './sample.ts'
import { runSoak } from './soak.ts'

const HELP = `A month of traffic in virtual time: two processes that change places each day, every feature that leaves something behind.
Says each day what is in the store and in memory, and at the end whether anything grew.

  --days <n>    how many days, from 4 on (30)
  --bursts <n>  bursts of traffic in an hour, 13 messages each (12)
  --seed <n>    (1)
`

function describe({ day, objects, kilobytes, logLength, remembered, heapMegabytes }: Sample): string {
  const kinds = ['log', 'snapshots', 'payloads', 'inbox'].map((kind) => `${kind} ${objects[kind] ?? 0}`).join(', ')
  return `day ${day}: objects ${kinds}; ${kilobytes.toFixed(0)} kB; log ${logLength} long; ${remembered} entries; heap ${heapMegabytes.toFixed(1)} MB`
}

async function main(): Promise<boolean> {
  const args = process.argv.slice(2).filter((arg) => arg !== '--')
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      ...{ days: { type: 'string', default: '30' }, bursts: { type: 'string', default: '12' } },
      seed: { type: 'string', default: '1' },
    },
  })
  if (values.help) {
    console.log(HELP)
    return true
  }
  const {
    days,
    bursts: burstsPerHour,
    seed,
  } = { days: Number(values.days), bursts: Number(values.bursts), seed: Number(values.seed) }
  if (
    !(
      Number.isInteger(days) &&
      days >= 4 &&
      Number.isInteger(burstsPerHour) &&
      burstsPerHour > 0 &&
      Number.isInteger(seed)
    )
  )
    throw new Error(`--days takes a whole number from 4 on, --bursts and --seed take whole numbers.\n\n${HELP}`)
  const onDay = (sample: Sample): void => console.log(describe(sample))
  const { samples, enqueued, ended } = await runSoak({ days, burstsPerHour, seed, onDay })
  const quarter = Math.floor(days / 4)
  const grown = growth(samples.slice(quarter, 2 * quarter), samples.slice(-quarter))
  console.log(`${enqueued} messages; ${JSON.stringify(ended)}`)
  console.log(
    grown.length === 0 ? 'Nothing grew.' : `What grew from the second quarter to the last:\n${grown.join('\n')}`,
  )
  return grown.length === 0
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
