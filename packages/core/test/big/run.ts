/**
 * Big backlogs at full size: how long a process needs to take over, how much heap it needs at any moment, and how long snapshots keep
 * everything else from running. Each measurement is a process of its own. Ends with 1 if anything is not as it must be.
 *
 *     pnpm --filter @s3queue/core big
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type Finding, measureRecovery, measureStall, type RecoveryRow } from './rows.ts'

const HELP = `Backlogs of one and ten million messages: how long a process needs to take over, with a hard limit on its heap, and how long
snapshots keep everything else from running. Takes some minutes and has no options. Ends with 1 if anything is not as it must be.`

const MILLION = 1_000_000
const both = (row: Omit<RecoveryRow, 'source'>): RecoveryRow[] => [
  { ...row, source: 'snapshot' },
  { ...row, source: 'log' },
]

const recoveries: readonly RecoveryRow[] = [
  ...both({ shape: 'batches-256', count: MILLION, heapLimitMiB: 400 }),
  ...both({ shape: 'single', count: MILLION, heapLimitMiB: 400 }),
  ...both({ shape: 'delayed', count: MILLION, heapLimitMiB: 400 }),
  ...both({ shape: 'ids', count: MILLION, heapLimitMiB: 500 }),
  ...both({ shape: 'dead', count: 100_000, heapLimitMiB: 150 }),
  ...both({ shape: 'details', count: 20_000, heapLimitMiB: 100 }),
  ...both({ shape: 'results', count: 8_000, heapLimitMiB: 150 }),
  ...both({ shape: 'batches-1000', count: 10 * MILLION, heapLimitMiB: 1024 }),
]

let failed = 0
function report({ what, numbers, failures }: Finding): void {
  console.log(`${failures.length === 0 ? 'ok  ' : 'FAIL'} ${what}: ${numbers}`)
  for (const failure of failures) console.log(`     ${failure}`)
  failed += failures.length
}

async function main(): Promise<void> {
  const args = process.argv.slice(2).filter((arg) => arg !== '--')
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h', default: false } } })
  if (values.help) return console.log(HELP)
  for (const row of recoveries) report(await measureRecovery(row))
  report(await measureStall('single', MILLION, 100_000))
  report(await measureStall('ids', MILLION, 100_000))
  console.log(`Load of the machine: ${loadavg()[0]?.toFixed(1)}.`)
  process.exitCode = failed === 0 ? 0 : 1
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
})
