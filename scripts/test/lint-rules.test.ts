/** The lint rules about time, randomness and casts, shown on planted violations: the real configuration over a small copy of the tree. */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 's3queue-lint-'))
let report = new Map<string, string[]>()

/** File → source of one line each; a line that must be reported ends in `// wrong`. */
const planted: Record<string, string[]> = {
  'packages/core/src/time.ts': [
    'export const now = Date.now() // wrong',
    'export const later = Date.now // wrong',
    'export const date = new Date() // wrong',
    'export const text = Date() // wrong',
    'export const { now: aliased } = Date // wrong',
    "export const literal = Date['now']() // wrong",
    'export const signal = AbortSignal.timeout(5) // wrong',
    'export const mono = performance.now() // wrong',
    'setTimeout(() => now, 5) // wrong',
    'setInterval(() => now, 5) // wrong',
    'setImmediate(() => now) // wrong',
    'globalThis.setTimeout(() => now, 5) // wrong',
    'export const fixed = new Date(5)',
    'export const parsed = Date.parse("2026-01-01") + Date.UTC(2026, 1)',
    'export const local = (performance: number) => performance + 1',
    '// Date.now() in a comment',
    'export const sentence = "Date.now() and Math.random()"',
  ],
  'packages/core/src/random.ts': [
    'export const random = Math.random() // wrong',
    'export const alias = Math // wrong',
    'export const id = crypto.randomUUID() // wrong',
    'export const max = Math.max(1, 2)',
  ],
  'packages/core/src/imports.ts': [
    "export { randomBytes } from 'node:crypto' // wrong",
    "export * as everything from 'node:crypto' // wrong",
    "export { setTimeout } from 'node:timers/promises' // wrong",
    "export { readFile } from 'node:fs/promises' // wrong",
    "export const loaded = import('node:fs') // wrong",
    "export type { Socket } from 'node:net' // wrong",
    "export { createHash } from 'node:crypto'",
    "export { Buffer } from 'node:buffer'",
  ],
  'packages/primitives/src/machine.ts': [
    'export const home = process.env.HOME // wrong',
    "export const page = fetch('http://127.0.0.1') // wrong",
    'export const debug = () => console.log(1) // wrong',
  ],
  'packages/coordinator/src/time.ts': ['export const now = Date.now() // wrong'],
  'packages/storage/src/wrappers/wait.ts': [
    'export const wait = () => setTimeout(() => 1, 5) // wrong',
    "export { randomUUID } from 'node:crypto' // wrong",
    'export const now = Date.now() // wrong',
  ],
  'packages/storage/src/runtime/system.ts': ['export const now = Date.now()'],
  'packages/storage/src/testing/wait.ts': ['export const wait = () => setTimeout(() => 1, 5)'],
  'packages/storage-fs/src/time.ts': [
    'export const now = Date.now() // wrong',
    'export const home = process.env.HOME',
    "export { readFile } from 'node:fs/promises'",
  ],
  'packages/storage-s3/src/http.ts': ['export const timer = () => setTimeout(() => Date.now(), 5)'],
  'packages/core/test/any.test.ts': ['export const started = Date.now()'],
  'packages/plugin/src/casts.ts': [
    'export const cast = 5 as unknown as string // wrong',
    'export const untyped = (value: any) => value // wrong',
    'export const sure = (list: number[]) => list[0]! // wrong',
    'export const narrow = (value: unknown) => value as string',
  ],
  'packages/core/src/promises.ts': [
    'const work = async (): Promise<number> => 1',
    'work() // wrong',
    'export const each = () => [1].forEach(async () => { await work() }) // wrong',
    'export const done = work().then(String)',
  ],
  'packages/core/src/cycle-a.ts': ["import type { B } from './cycle-b.ts' // wrong", 'export interface A { b: B }'],
  'packages/core/src/cycle-b.ts': ["import type { A } from './cycle-a.ts' // wrong", 'export interface B { a: A }'],
}

beforeAll(() => {
  cpSync(path.join(root, 'biome.json'), path.join(folder, 'biome.json'))
  cpSync(path.join(root, 'scripts/lint'), path.join(folder, 'scripts/lint'), { recursive: true })
  execFileSync('git', ['init', '-q'], { cwd: folder })
  for (const [file, lines] of Object.entries(planted)) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true })
    writeFileSync(path.join(folder, file), `${lines.join('\n')}\n`)
  }
  report = errorsByLine(runBiome())
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(Object.keys(planted))('%s: exactly the planted lines are errors', (file) => {
  const wrong = (planted[file] ?? []).flatMap((line, index) =>
    line.endsWith('// wrong') ? [`${file}:${index + 1}`] : [],
  )
  const reported = [...report.keys()].filter((place) => place.startsWith(`${file}:`))
  expect(reported.sort()).toEqual(wrong.sort())
})

test('the message says what to use instead', () => {
  expect(report.get('packages/core/src/time.ts:1')?.join()).toContain('clock.now()')
  expect(report.get('packages/core/src/random.ts:1')?.join()).toContain('random.next()')
  expect(report.get('packages/core/src/imports.ts:4')?.join()).toContain('injected port')
})

test('no comment switches these rules off in the sources', () => {
  const suppression =
    /biome-ignore-all|biome-ignore(-start)? lint\/(plugin|style\/noRestricted|suspicious\/noExplicitAny)|@ts-(ignore|nocheck)/
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root })
  expect(sources.length).toBeGreaterThan(10)
  expect(sources.filter((file) => suppression.test(readFileSync(path.join(root, file), 'utf8')))).toEqual([])
})

function runBiome(): string {
  try {
    return execFileSync('biome', ['lint', '--reporter=github', '--max-diagnostics=none', '.'], {
      cwd: folder,
      stdio: 'pipe',
    }).toString()
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout)
    throw error
  }
}

/** `file:line` → messages of its errors. */
function errorsByLine(output: string): Map<string, string[]> {
  const errors = new Map<string, string[]>()
  for (const [, file = '', line = '', message = ''] of output.matchAll(
    /^::error [^\n]*?file=([^,\n]+),line=(\d+),[^\n]*?::([^\n]*)$/gm,
  )) {
    const place = `${path.relative(folder, path.resolve(folder, file))}:${line}`
    errors.set(place, [...(errors.get(place) ?? []), message])
  }
  return errors
}
