/**
 * Which promises of the plugin hold, and where: runs the tests that are titled with the rows' ids, and prints the tables of docs/compat.md. `--write` puts
 * them there. A row holds in a place if it has tests there and all of them pass.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chapters, PLACES, type Place, type Row } from './compat/rows.ts'
import { putBetween, readWrite } from './page.ts'

const root = path.resolve(import.meta.dirname, '../..')
const PAGE = 'docs/compat.md'

interface Results {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly title: string; readonly status: string }[]
  }[]
}

/** Statuses of all tests, by row and place. */
type Found = ReadonlyMap<string, readonly string[]>

const HELP = `Runs the tests that are titled with the rows of docs/compat.md (about six minutes), and prints its tables.

  --write  puts them there
`

const write = readWrite(HELP)
const found = await runTests()
const text = chapters.map(({ title, rows }) => `## ${title}\n\n${tableOf(rows, found)}`).join('\n\n')
if (write) {
  const page = path.join(root, PAGE)
  writeFileSync(page, putBetween(readFileSync(page, 'utf8'), '<!-- rows -->', '<!-- rows: end -->', `\n${text}\n`))
} else {
  console.log(text)
}
const broken = chapters
  .flatMap(({ rows }) => rows)
  .filter((row) => PLACES.some((place) => cell(row, place, found) === 'no'))
if (broken.length > 0) {
  console.error(`These rows do not hold: ${broken.map(({ id }) => id).join(', ')}`)
  process.exitCode = 1
}

async function runTests(): Promise<Found> {
  const folder = mkdtempSync(path.join(tmpdir(), 's3queue-compat-'))
  try {
    const file = path.join(folder, 'results.json')
    const tests = ['packages/plugin/test', 'apps/examples/test']
    const projects = ['--project', 'unit', '--project', 'minio']
    // A promise is not broken by a busy machine.
    const patience = ['--testTimeout=120000', '--hookTimeout=120000']
    const args = ['run', ...tests, ...projects, ...patience, '--reporter=json', `--outputFile=${file}`]
    await new Promise<void>((resolve) => {
      execFile(path.join(root, 'node_modules/.bin/vitest'), args, { cwd: root, maxBuffer: 1 << 26 }, () => resolve())
    })
    return gather(JSON.parse(readFileSync(file, 'utf8')) as Results)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function gather({ testResults }: Results): Found {
  const statuses = new Map<string, string[]>()
  for (const { fullName, title, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    const place = PLACES.find((one) => fullName.includes(`on ${one}`))
    for (const id of title
      .match(/^(?:C\d+ )+/)?.[0]
      .trim()
      .split(' ') ?? []) {
      const key = `${id} ${place}`
      statuses.set(key, [...(statuses.get(key) ?? []), status])
    }
  }
  return statuses
}

function tableOf(rows: readonly Row[], found: Found): string {
  const lines = rows.map((row) => {
    const cells = row.later ? ['later', 'later', 'later'] : PLACES.map((place) => cell(row, place, found))
    return `| ${row.id} | ${row.what} | ${cells.join(' | ')} | ${row.note ?? ''} |`
  })
  return ['| | | memory | files | MinIO | |', '|---|---|---|---|---|---|', ...lines].join('\n')
}

function cell({ id, later, only }: Row, place: Place, found: Found): string {
  if (later || (only !== undefined && only !== place)) return '–'
  const statuses = found.get(`${id} ${place}`) ?? []
  return statuses.length > 0 && statuses.every((status) => status === 'passed') ? 'holds' : 'no'
}
