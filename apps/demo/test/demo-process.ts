/** The demo as a user runs it: a process of its own, with its own directory for temporary files. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What it left in its directory for temporary files. */
  readonly leftBehind: readonly string[]
}

export interface RunOptions {
  /** Default: the demo itself. */
  readonly program?: URL
  /** Called with what the demo prints while it runs, and with a function to send it a signal. */
  readonly onProgress?: (said: string, kill: (signal: NodeJS.Signals) => void) => void
}

export async function runDemo(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { program = new URL('../src/main.ts', import.meta.url), onProgress } = options
  const temporary = await mkdtemp(join(tmpdir(), 'demo-test-'))
  try {
    const child = spawn(process.execPath, ['--conditions=@s3queue/source', fileURLToPath(program), ...args], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const output of [child.stdout, child.stderr])
      output.on('data', (chunk) => onProgress?.(String(chunk), (signal) => child.kill(signal)))
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { code, stdout, stderr, leftBehind: await readdir(temporary) }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** The number in the row of the report that begins with `label`. */
export function numberIn(report: string, label: string): number {
  const line = report.split('\n').find((each) => each.trim().startsWith(`${label}  `))
  return Number(line?.trim().slice(label.length).trim().split(/\s/, 1)[0]?.replaceAll(',', '') ?? Number.NaN)
}
