/** What the commands that write parts of the pages have in common: their one option, and the place that is theirs. */
import { parseArgs } from 'node:util'

/** Whether `--write` was said. With `--help` it prints `help`, and the process ends. */
export function readWrite(help: string): boolean {
  const { values } = parseArgs({
    options: { write: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  })
  if (!values.help) return values.write
  console.log(help)
  process.exit()
}

/** `page` with `text` between the two marks. Throws if it does not have both. */
export function putBetween(page: string, begin: string, end: string, text: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`The page has no place for what is written: ${begin} and ${end}.`)
  return `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`
}
