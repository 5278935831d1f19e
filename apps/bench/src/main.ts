import { bench } from './bench.ts'

const exitCode = await bench(process.argv.slice(2), process).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return 1
})
// Queues that were cut off from their store, as if they had crashed, wait for its answer for ever.
process.stdout.write('', () => process.exit(exitCode))
