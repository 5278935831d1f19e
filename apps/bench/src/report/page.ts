/** Puts a table that a run has measured between two marks of a page. */
import { readFile, writeFile } from 'node:fs/promises'
import { isBusy, type Machine } from './machine.ts'

const END = '<!-- bench: end -->'

/** Writes the page anew. Throws if it has no place for the table. */
export async function writeIntoPage(page: string, mark: string, text: string): Promise<void> {
  await writeFile(page, putIntoPage(await readFile(page, 'utf8'), mark, text))
}

/** The page with `text` in its place. */
export function putIntoPage(page: string, mark: string, text: string): string {
  const begin = `<!-- bench: ${mark} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(END, from)
  if (from < 0 || to < 0) throw new Error(`The page has no place for the table: ${begin} … ${END}.`)
  return `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`
}

/** As Markdown; all columns but the first are aligned to the right. */
export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...lines.map(line)].join('\n')
}

/** When and where something was measured, in sentences. `what` begins the first: "Medians of 3 runs". */
export function whenAndWhere(what: string, machine: Machine): string {
  const { date, cores, node, load } = machine
  const when = `${what} on ${date.slice(0, 10)}: ${cores} virtual cores, Node.js ${node}, load ${load[0]} before it began.`
  return isBusy(machine) ? `${when} Other work was going on, so all are slower than they could be.` : when
}
