/** The command `pnpm --filter @s3queue/coordinator versions`: prints how many versions a day each key gets in a bucket with versioning. */
import { CHANGING, measureVersions } from './measure.ts'

const MINUTE_MS = 60_000
/** Until an idle queue is quiet. */
const WARM_UP_MS = 10 * MINUTE_MS
const ROWS = [
  { traffic: 'no messages', everyMs: Number.POSITIVE_INFINITY, measureMs: 360 * MINUTE_MS },
  { traffic: 'one message a minute', everyMs: MINUTE_MS, measureMs: 120 * MINUTE_MS },
  { traffic: 'one message a second', everyMs: 1000, measureMs: 20 * MINUTE_MS },
  { traffic: '50 messages a second', everyMs: 20, measureMs: 5 * MINUTE_MS },
  { traffic: '330 messages a second, nearly all that the workers can handle', everyMs: 3, measureMs: MINUTE_MS },
] as const

console.log(`| traffic | ${CHANGING.map((name) => `\`${name}\``).join(' | ')} |`)
console.log(`|---|${CHANGING.map(() => '---:|').join('')}`)
for (const { traffic, everyMs, measureMs } of ROWS) {
  const perDay = await measureVersions({ everyMs, measureMs, warmUpMs: WARM_UP_MS })
  console.log(`| ${traffic} | ${CHANGING.map((name) => perDay[name].toLocaleString('en')).join(' | ')} |`)
}
