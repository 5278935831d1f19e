/** Runs an example as its reader would: in a process and a folder of its own. It has to end by itself. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Program } from './programs.ts'

const LIMIT_MS = 50_000

/** Resolves if the program ends well and prints what it says it prints; rejects with what went wrong and all it wrote. */
export async function runProgram(program: Program, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const { page, line } = program.example
  const { ended, output, errors } = await run(program.file, env)
  const wrong = ended === 0 ? missing(program.prints, output) : `ended with ${ended}`
  if (wrong === undefined) return
  throw new Error(`${page}:${line}: the example ${wrong}.\nIt wrote:\n${output}${errors}`)
}

/** The first line that was promised and did not come, with regard to order. */
function missing(promised: readonly string[], output: string): string | undefined {
  const printed = output.split('\n').map((line) => line.trim())
  let from = 0
  for (const line of promised) {
    const at = printed.indexOf(line, from)
    if (at < 0) return `did not print ${JSON.stringify(line)}`
    from = at + 1
  }
  return undefined
}

interface Run {
  readonly ended: number | string
  readonly output: string
  readonly errors: string
}

function run(file: string, env: Readonly<Record<string, string>>): Promise<Run> {
  const resolution = pathToFileURL(path.join(import.meta.dirname, 'package-resolution.mjs')).href
  const args = ['--conditions=@s3queue/source', '--disable-warning=ExperimentalWarning', `--import=${resolution}`, file]
  const cwd = `${file}.d`
  mkdirSync(cwd, { recursive: true })
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: path.join(path.dirname(file), 'cache'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const ended =
        signal === 'SIGTERM' ? `a time-out: it was still running after ${LIMIT_MS} ms` : (signal ?? code ?? 1)
      resolve({ ended, output, errors })
    })
  })
}
