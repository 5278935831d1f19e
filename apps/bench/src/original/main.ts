/** The command: `pnpm --filter @s3queue/bench original`. Our plugin and the one that s3db.js brings, on one MinIO, in one run. */
import { parseArgs } from 'node:util'
import { createTestBucket, startMinio } from '@s3queue/e2e/harness'
import { CONTESTANTS, type Contestant } from './contestants.ts'
import { type Kind, startCountingProxy } from './counting-proxy.ts'

const HELP = `Our plugin and the one that s3db.js brings, side by side on one MinIO: requests a message, messages a second, statistics, duplicates.

  --messages <n>       (300)
  --concurrency <n,…>  (3,10)
  --limit <s>          seconds for each, for those that do not get done (60)
`

interface Outcome {
  readonly enqueue: Readonly<Record<Kind, number>>
  readonly process: Readonly<Record<Kind, number>>
  readonly done: number
  readonly seconds: number
  readonly duplicates: number
  readonly statsAreRight: boolean
}

const sumOf = (counts: Readonly<Record<Kind, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      help: { type: 'boolean', short: 'h' },
      ...{ messages: { type: 'string', default: '300' }, concurrency: { type: 'string', default: '3,10' } },
      limit: { type: 'string', default: '60' },
    },
  })
  if (values.help === true) return console.log(HELP)
  const [messages, limit] = [Number(values.messages), Number(values.limit)]
  const concurrencies = values.concurrency.split(',').map(Number)
  if (![messages, limit, ...concurrencies].every((n) => Number.isInteger(n) && n > 0)) throw new Error(HELP)
  const server = await startMinio({ log: (line) => console.error(line) })
  const proxy = await startCountingProxy(server.endpoint)
  try {
    const { bucket } = await createTestBucket(server, 'original')
    const { accessKeyId, secretAccessKey } = server.credentials
    console.log(
      '| | concurrency | requests to enqueue a message | to process it | messages/s | done | twice | getStats |',
    )
    console.log('|---|--:|---|---|--:|--:|--:|---|')
    for (const concurrency of concurrencies) {
      for (const [i, contestant] of CONTESTANTS.entries()) {
        console.error(`${contestant.name}, concurrency ${concurrency} …`)
        const connection = `http://${accessKeyId}:${secretAccessKey}@${proxy.host}/${bucket}/run-${concurrency}-${i}`
        const outcome = await run(contestant, connection, {
          concurrency,
          messages,
          limitMs: limit * 1000,
          take: proxy.take,
        })
        console.log(describe(contestant, concurrency, messages, outcome))
      }
    }
  } finally {
    await proxy.close()
    await server.stop()
  }
}

interface RunOptions {
  readonly concurrency: number
  readonly messages: number
  readonly limitMs: number
  readonly take: () => Readonly<Record<Kind, number>>
}

async function run(
  contestant: Contestant,
  connection: string,
  { concurrency, messages, limitMs, take }: RunOptions,
): Promise<Outcome> {
  const handled = new Map<number, number>()
  let onDone = (): void => {}
  const queue = await contestant.open(connection, concurrency, (n) => {
    handled.set(n, (handled.get(n) ?? 0) + 1)
    if (handled.size === messages) onDone()
  })
  take()
  for (let n = 0; n < messages; n += 16) {
    const part = Array.from({ length: Math.min(16, messages - n) }, (_, i) => n + i)
    await Promise.all(part.map((each) => queue.enqueue(each)))
  }
  const enqueue = take()
  const startedAt = performance.now()
  const done = new Promise<void>((resolve) => {
    onDone = resolve
  })
  await queue.start()
  let cancel: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    cancel = setTimeout(resolve, limitMs)
  })
  await Promise.race([done, late])
  clearTimeout(cancel)
  const seconds = (performance.now() - startedAt) / 1000
  const doneInTime = handled.size
  // What was handled last is still being recorded.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const process = take()
  const stats = await queue.stats().catch(() => undefined)
  const duplicates = [...handled.values()].reduce((sum, times) => sum + times - 1, 0)
  await Promise.race([queue.stop(), new Promise((resolve) => setTimeout(resolve, 15_000).unref())])
  return {
    ...{ enqueue, process, seconds, duplicates },
    done: doneInTime,
    statsAreRight: stats?.completed === doneInTime,
  }
}

function describe({ name }: Contestant, concurrency: number, messages: number, outcome: Outcome): string {
  const { enqueue, process, done, seconds, duplicates, statsAreRight } = outcome
  const per = (count: number, of: number): string => (of === 0 ? '–' : (count / of).toFixed(2))
  const kinds = (counts: Outcome['process'], of: number): string =>
    (Object.entries(counts) as [Kind, number][])
      .filter(([, n]) => n > 0)
      .map(([kind, n]) => `${kind} ${per(n, of)}`)
      .join(', ')
  const enqueueing = `${per(sumOf(enqueue), messages)} (${kinds(enqueue, messages)})`
  const processing = `${per(sumOf(process), done)} (${kinds(process, done)})`
  const cells = [name, concurrency, enqueueing, processing]
  return `| ${[...cells, (done / seconds).toFixed(1), `${done} of ${messages}`, duplicates, statsAreRight ? 'right' : 'wrong'].join(' | ')} |`
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
