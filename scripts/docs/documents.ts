/**
 * The documentation as examples: every code block of every page, with what its page says about it in comments that readers do not see.
 *
 * `<!-- example: … -->` before a block says how it is checked; `<!-- setup: name … -->` holds code that fragments need around
 * them. It prevents documentation that no longer works: a block of unknown kind, or a comment that means nothing, is an error.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Where to look; everything else is no documentation for users. */
const PAGES = ['*.md', 'docs/**/*.md', 'packages/*/README.md', 'apps/*/README.md', 'tests-e2e/README.md']

const LANGUAGES = ['ts', 'js', 'sh', 'json', 'text'] as const

export type Language = (typeof LANGUAGES)[number]

export interface Example {
  /** Path of the page from the root, and where the code begins in it. */
  readonly page: string
  readonly line: number
  readonly language: Language
  readonly code: string
  /** Code to go around it: a line `@example` stands for the block. */
  readonly setup: string | undefined
  /** Checked by the compiler, but not run. */
  readonly typesOnly: boolean
  /** Needs an S3 server. */
  readonly onS3: boolean
}

/** What is wrong with a page, and where. */
class BadPage extends Error {
  constructor(page: string, line: number, what: string) {
    super(`${page}:${line}: ${what}`)
    this.name = 'BadPage'
  }
}

/** By path from its root, with slashes. */
function listPages(root: string): string[] {
  return globSync(PAGES, { cwd: root, exclude: (name) => name === 'node_modules' })
    .map((page) => page.replaceAll(path.sep, '/'))
    .sort()
}

export interface Page {
  readonly page: string
  readonly examples: readonly Example[]
  /** What is wrong with it, if something is; then it has no examples. */
  readonly problem: string | undefined
}

/** All pages with their examples. */
export function readPages(root: string): Page[] {
  return listPages(root).map((page) => {
    try {
      return { page, examples: parseExamples(page, readFileSync(path.join(root, page), 'utf8')), problem: undefined }
    } catch (error) {
      if (!(error instanceof BadPage)) throw error
      return { page, examples: [], problem: error.message }
    }
  })
}

interface Directive {
  readonly line: number
  readonly words: readonly string[]
}

/** The examples of one page, in order. Throws `BadPage`. */
export function parseExamples(page: string, text: string): Example[] {
  const lines = text.split('\n')
  const examples: Example[] = []
  const setups = new Map<string, string>()
  let directive: Directive | undefined
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const setupName = /^<!-- setup: ([\w-]+)$/.exec(line)?.[1]
    const words = /^\s*<!-- example: (.+) -->$/.exec(line)?.[1]
    const fence = /^(\s*)(`{3,})(.*)$/.exec(line)
    if (directive !== undefined && fence === null && line.trim() !== '')
      throw new BadPage(page, directive.line, 'no code block follows this comment.')
    if (setupName !== undefined) {
      const end = findLine(lines, at, /^-->$/, () => new BadPage(page, at + 1, 'this setup has no end.'))
      setups.set(setupName, lines.slice(at + 1, end).join('\n'))
      at = end
    } else if (words !== undefined) {
      directive = { line: at + 1, words: words.split(',').map((word) => word.trim()) }
    } else if (/^\s*<!-- *(example|setup)/.test(line)) {
      throw new BadPage(page, at + 1, 'this comment is not of the form that CONTRIBUTING.md describes.')
    } else if (fence !== null) {
      const [, indent = '', ticks = '', language = ''] = fence
      const end = findLine(lines, at, new RegExp(`^\\s*${ticks}\\s*$`), () => new BadPage(page, at + 1, 'no end.'))
      const code = lines.slice(at + 1, end).map((each) => (each.startsWith(indent) ? each.slice(indent.length) : each))
      examples.push(describeExample({ page, line: at + 2, code: code.join('\n') }, language, directive, setups))
      directive = undefined
      at = end
    }
  }
  if (directive !== undefined) throw new BadPage(page, directive.line, 'no code block follows this comment.')
  return examples
}

function describeExample(
  { page, line, code }: Pick<Example, 'page' | 'line' | 'code'>,
  info: string,
  directive: Directive | undefined,
  setups: ReadonlyMap<string, string>,
): Example {
  const language = LANGUAGES.find((each) => each === info.trim())
  if (language === undefined)
    throw new BadPage(page, line - 1, `a code block is one of ${LANGUAGES.join(', ')}, not "${info}".`)
  const names = (directive?.words ?? []).filter((word) => word !== 'types' && word !== 's3')
  const [name, another] = names
  const setup = name === undefined ? undefined : setups.get(name)
  if (another !== undefined || (name !== undefined && setup === undefined))
    throw new BadPage(page, directive?.line ?? line, `there is no setup "${another ?? name}" above this comment.`)
  const typesOnly = directive?.words.includes('types') ?? false
  const onS3 = directive?.words.includes('s3') ?? false
  return { page, line, language, code, setup, typesOnly, onS3 }
}

function findLine(lines: readonly string[], after: number, pattern: RegExp, missing: () => BadPage): number {
  const found = lines.findIndex((line, at) => at > after && pattern.test(line))
  if (found < 0) throw missing()
  return found
}
