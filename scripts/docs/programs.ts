/** Examples as whole programs in a folder of their own, where the compiler and Node find them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Example } from './documents.ts'

export interface Program {
  readonly example: Example
  readonly file: string
  /** Lines of the program before the first one of the example. */
  readonly offset: number
  /** What the lines `console.log(…) // text` of the example say they print, in order. */
  readonly prints: readonly string[]
}

/** Where the example goes in its setup. */
const PLACE = /^@example$/m

/** Writes the examples that are code into `folder`. */
export function writePrograms(folder: string, examples: readonly Example[]): Program[] {
  const code = examples.filter(({ language }) => language === 'ts' || language === 'js')
  return code.map((example) => {
    const name = example.page.replaceAll('/', '_').replace(/\.md$/, '')
    const file = path.join(folder, `${name}-${example.line}.${example.language === 'ts' ? 'mts' : 'mjs'}`)
    const [before = '', after = ''] = (example.setup ?? '@example').split(PLACE)
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, `${before}${example.code}\n${after}\nexport {}\n`)
    return { example, file, offset: before.split('\n').length - 1, prints: printedBy(example.code) }
  })
}

function printedBy(code: string): string[] {
  return code.split('\n').flatMap((line) => /^\s*console\.log\(.*\) *\/\/ (.+)$/.exec(line)?.[1]?.trim() ?? [])
}
