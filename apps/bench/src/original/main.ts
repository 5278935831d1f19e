/** The command: `pnpm --filter @s3queue/bench original`. Our plugin and the one that s3db.js brings, on one MinIO, in one run. */
import { parseArgs } from 'node:util'
import { createTestBucket, startMinio } from '@s3queue/e2e/harness'
import { median } from '../sample.ts'
import { runContestant } from './contestant.ts'
import { CONTESTANTS, type Contestant } from './contestants.ts'
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts'
import type { Outcome } from './run.ts'
import { idleOf, keysOf, rateOf, rowOf, TABLE_HEAD } from './table.ts'

const HELP = `Our plugin and the one that s3db.js brings, side by side on one MinIO: requests a message, messages a second, statistics, duplicates.

  --messages <n>       (300)
  --concurrency <n,…>  handlers (3,10,50)
  --at-once <n>        calls of enqueue under way together (16)
  --limit <s>          seconds for each, for those that do not get done (60)
  --latency <ms>       how much longer each request takes than MinIO next door (0)
  --idle <s>           also so many seconds of an idle queue, and how long a message from another process waits then (0)
  --runs <n>           how often, in turns (1)
  --only <name,…>      ours, best, stock (all)
  --keys               also which keys are asked for
`

interface Options {
  readonly messages: number
  readonly concurrencies: readonly number[]
  readonly atOnce: number
  readonly limitMs: number
  readonly idleMs: number
  readonly latencyMs: number
  readonly runs: number
  readonly contestants: readonly Contestant[]
  readonly keys: boolean
}

function parse(): Options | undefined {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      ...{ help: { type: 'boolean', short: 'h' }, keys: { type: 'boolean', default: false } },
      ...{ messages: { type: 'string', default: '300' }, concurrency: { type: 'string', default: '3,10,50' } },
      ...{ 'at-once': { type: 'string', default: '16' }, limit: { type: 'string', default: '60' } },
      ...{
        latency: { type: 'string', default: '0' },
        idle: { type: 'string', default: '0' },
        runs: { type: 'string', default: '1' },
        only: { type: 'string' },
      },
    },
  })
  if (values.help === true) return undefined
  const [messages, atOnce] = [whole(values.messages), whole(values['at-once'])]
  const [limit, runs] = [whole(values.limit), whole(values.runs)]
  const only = values.only?.split(',') ?? CONTESTANTS.map(({ key }) => key)
  const contestants = CONTESTANTS.filter(({ key }) => only.includes(key))
  if (contestants.length < only.length || messages < 50) throw new Error(HELP)
  const concurrencies = values.concurrency.split(',').map((each) => whole(each))
  return {
    messages,
    atOnce,
    runs,
    limitMs: limit * 1000,
    idleMs: whole(values.idle, 0) * 1000,
    latencyMs: whole(values.latency, 0),
    concurrencies,
    contestants,
    keys: values.keys,
  }
}

function whole(text: string, min = 1): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < min) throw new Error(HELP)
  return n
}

async function main(): Promise<void> {
  const options = parse()
  if (options === undefined) return console.log(HELP)
  const server = await startMinio({ log: (line) => console.error(line) })
  const proxy = await startCountingProxy(server.endpoint, options.latencyMs)
  try {
    const { bucket } = await createTestBucket(server, 'original')
    const { accessKeyId, secretAccessKey } = server.credentials
    console.log(TABLE_HEAD)
    for (const concurrency of options.concurrencies)
      await compare(options, concurrency, proxy, `http://${accessKeyId}:${secretAccessKey}@${proxy.host}/${bucket}`)
  } finally {
    await proxy.close()
    await server.stop()
  }
}

/** The contestants in turns, so that whatever else the machine does meets all of them. */
async function compare(options: Options, concurrency: number, proxy: CountingProxy, bucket: string): Promise<void> {
  const { contestants, messages, runs, keys } = options
  const rates = new Map<Contestant, number[]>(contestants.map((each) => [each, []]))
  for (let turn = 0; turn < runs; turn++) {
    for (const contestant of contestants) {
      const { key, name } = contestant
      console.error(`${name}, concurrency ${concurrency} …`)
      const connection = `${bucket}/${key}-${concurrency}-${turn}`
      const { atOnce, limitMs, idleMs } = options
      const task = { key, connection, concurrency, messages, atOnce, limitMs, idleMs }
      const outcome = await runContestant(task, proxy)
      console.log(rowOf(name, concurrency, messages, outcome))
      if (keys) tellKeys(outcome)
      if (outcome.idle !== undefined) console.log(idleOf(outcome.idle))
      rates.get(contestant)?.push(rateOf(outcome.processing))
    }
  }
  if (runs === 1) return
  const medians = contestants.map((each) => `${each.name} ${median(rates.get(each) ?? []).toFixed(1)}`)
  console.log(`\nProcessed a second at concurrency ${concurrency}, median of ${runs}: ${medians.join('; ')}\n`)
}

function tellKeys({ alone, together, processing }: Outcome): void {
  console.log(`\none alone\n${keysOf(alone)}\nat once\n${keysOf(together)}\nprocessed\n${keysOf(processing)}\n`)
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
