/** The address list that ships with the demo, row by row. Some rows are bad on purpose; the list itself says which. */
import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'

/** What a message of the queue carries: one row of the list. */
export interface Recipient {
  /** Line of the list, from 1 on. */
  readonly row: number
  readonly name: string
  readonly email: string
  readonly city: string
  /** An earlier row with the same address. */
  readonly duplicateOf?: number
}

export interface ListedRecipient extends Recipient {
  /** What the list says should become of this row. The queue is not told; the checks at the end go by it. */
  readonly expected: 'sent' | 'dead'
}

const LIST = new URL('../assets/recipients.csv', import.meta.url)
const COLUMNS = ['name', 'email', 'city', 'expected'] as const

/** The first `count` rows. A list that is too short starts again, with tagged addresses: `ann@example.com`, then `ann+2@example.com`. */
export async function readRecipients(count?: number): Promise<ListedRecipient[]> {
  const rows = parseRows(await readFile(LIST, 'utf8'))
  const firstRowOf = new Map<string, number>()
  return Array.from({ length: count ?? rows.length }, (_, i) => {
    const round = Math.floor(i / rows.length) + 1
    const { email: listed, ...rest } = rows[i % rows.length] as ParsedRow
    const email = round === 1 ? listed : listed.replace(/^([^@\s<>]+)@/, `$1+${round}@`)
    const row = i + 1
    const duplicateOf = firstRowOf.get(email.toLowerCase())
    if (duplicateOf === undefined) firstRowOf.set(email.toLowerCase(), row)
    return { row, email, ...rest, ...(duplicateOf === undefined ? {} : { duplicateOf }) }
  })
}

type ParsedRow = Pick<ListedRecipient, 'name' | 'email' | 'city' | 'expected'>

function parseRows(text: string): ParsedRow[] {
  const records: Record<string, string>[] = parse(text, { columns: true, skip_empty_lines: true })
  return records.map((record, i) => {
    const [name, email, city, expected] = COLUMNS.map((column) => record[column] ?? '')
    if (expected !== 'sent' && expected !== 'dead')
      throw new Error(`Row ${i + 1} of the list has "${expected}" as "expected", which is neither sent nor dead.`)
    return { name: name ?? '', email: email ?? '', city: city ?? '', expected }
  })
}
