/** The command: `pnpm --filter @s3queue/examples start <example>`. */
import { parseArgs } from 'node:util'
import { openDatabase } from './database.ts'
import { emails } from './email.ts'
import type { Example } from './example.ts'
import { exports_ } from './export.ts'
import { guardedApi } from './guarded-api.ts'
import { images } from './images.ts'
import { orders } from './orders.ts'
import { shards } from './shards.ts'
import { webhooks } from './webhooks.ts'

const EXAMPLES: Readonly<Record<string, { readonly run: Example; readonly about: string }>> = {
  email: { run: emails, about: 'e-mails through a real SMTP server' },
  images: { run: images, about: 'image files resized' },
  webhooks: { run: webhooks, about: 'signed webhooks to a receiver that fails at times' },
  orders: { run: orders, about: 'an order in steps, with compensation' },
  export: { run: exports_, about: 'a CSV in the bucket, the link by mail' },
  'guarded-api': { run: guardedApi, about: 'circuit breaker and rate limiter around an API' },
  shards: { run: shards, about: 'four shards, messages spread over them' },
}

const HELP = `Runs an example of the plugin for s3db.js: pnpm --filter @s3queue/examples start <example>

${Object.entries(EXAMPLES)
  .map(([name, { about }]) => `  ${name.padEnd(14)}${about}`)
  .join('\n')}

  --connection <c>  where the database is: memory://…, file://…, s3://… (memory)
`

async function main(): Promise<number> {
  const args = process.argv.slice(2).filter((arg) => arg !== '--')
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { connection: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  const example = EXAMPLES[positionals[0] ?? '']
  if (values.help === true || example === undefined) {
    console.log(
      values.help === true || positionals.length === 0 ? HELP : `There is no example "${positionals[0]}".\n\n${HELP}`,
    )
    return values.help === true ? 0 : 2
  }
  const db = await openDatabase(values.connection)
  try {
    console.log(await example.run(db, (line) => console.log(line)))
    return 0
  } finally {
    await db.disconnect()
  }
}

const code = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  return 1
})
// Left to end by itself, the process would end with 0 whatever `exitCode` says: s3db.js sees to that.
process.exit(code)
