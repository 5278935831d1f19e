/**
 * Commands in the documentation, held against the repository: is the script there, does the program know the option, is the package one of
 * ours? They are not run, as many of them build or test everything; what they start has tests of its own. A command of which
 * nothing is known is an error.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readWorkspace } from '../layers/workspace.mjs'
import { borrowed } from './borrowed-packages.mjs'

/** Where the options of a program are told, by the script that starts it. */
const HELP: Readonly<Record<string, string>> = {
  demo: 'apps/demo/src/help.ts',
  bench: 'apps/bench/src/arguments.ts',
  'cpu-profile': 'apps/bench/src/arguments.ts',
  original: 'apps/bench/src/original/main.ts',
  verify: 'scripts/verify/choose-steps.mjs',
  compat: 'scripts/docs/compat.ts',
  cost: 'scripts/docs/cost.ts',
  sim: 'packages/core/test/sim/**/*.ts',
  explore: 'packages/primitives/test/explorer/cli.ts',
}
/** What pnpm itself can do, as far as the documentation speaks of it. */
const PNPM_COMMANDS = ['install', 'add']

/** What is wrong with a block of commands, a line each. Empty if nothing. */
export function checkShell(root: string, code: string): string[] {
  return code
    .split('\n')
    .map((line) => line.replace(/\s+#\s.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const wrong = checkCommand(root, line.split(/\s+/))
      return wrong === undefined ? [] : [`${line}: ${wrong}`]
    })
}

function checkCommand(root: string, [command, ...words]: readonly string[]): string | undefined {
  if (command === 'npm' && words[0] === 'install') return checkPackages(root, words.slice(1))
  if (command === 'pnpm') return checkPnpm(root, words)
  if (command !== 'npx' || words[0] !== '-y') return 'nothing is known of this command'
  const { packageManager } = readManifest(path.join(root, 'package.json'))
  if (words[1] !== packageManager) return `the package manager is ${packageManager}`
  return checkPnpm(root, words.slice(2))
}

function checkPnpm(root: string, words: readonly string[]): string | undefined {
  const filter = words[0] === '--filter' ? words[1] : undefined
  const [script = '', ...args] = filter === undefined ? words : words.slice(2)
  const folder = folderOf(root, filter?.replace(/\.\.\.$/, ''))
  if (folder === undefined) return `there is no package ${filter}`
  if (PNPM_COMMANDS.includes(script)) return undefined
  const { scripts = {} } = readManifest(path.join(root, folder, 'package.json'))
  const isProgram = existsSync(path.join(root, 'node_modules/.bin', script))
  if (scripts[script] === undefined && !isProgram) return `there is no script "${script}"`
  return args.map((arg) => checkArgument(root, script, arg)).find((wrong) => wrong !== undefined)
}

function folderOf(root: string, name: string | undefined): string | undefined {
  if (name === undefined) return ''
  return readWorkspace(root).find(({ manifest }) => manifest.name === name)?.folder
}

function checkArgument(root: string, script: string, arg: string): string | undefined {
  if (arg.startsWith('--')) {
    const pattern = HELP[script]
    if (pattern === undefined) return undefined
    const texts = globSync(pattern, { cwd: root }).map((file) => readFileSync(path.join(root, file), 'utf8'))
    const [option = ''] = arg.slice(2).split('=')
    return texts.some((text) => new RegExp(`\\b${option}\\b`).test(text)) ? undefined : `${script} knows no ${arg}`
  }
  if (!/^(packages|apps|scripts|tests-e2e|docs)\//.test(arg)) return undefined
  return existsSync(path.join(root, arg)) ? undefined : `there is no ${arg}`
}

/** Packages of this repository that are published, and those of others that the examples use. */
function checkPackages(root: string, names: readonly string[]): string | undefined {
  const published = readWorkspace(root).filter(({ layerName }) => layerName !== undefined)
  const unknown = names.find((name) => !(name in borrowed) && !published.some(({ manifest }) => manifest.name === name))
  return unknown === undefined ? undefined : `there is no package ${unknown}`
}

interface Manifest {
  readonly packageManager?: string
  readonly scripts?: Readonly<Record<string, string>>
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}
