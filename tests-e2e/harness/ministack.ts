/** ministack, an S3 server other than MinIO, on a free loopback port. A Python package, which is installed once into a cache outside the project. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { access, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findFreePort } from './minio-process.ts'
import type { S3Server } from './s3-server.ts'

const PACKAGE = 'ministack==1.5.33'
const CACHE = join(homedir(), '.cache', 's3queue-dev', 'ministack')
const PROGRAM = join(CACHE, 'bin', 'ministack')
const READY_WITHIN_MS = 30_000

/** Resolves to a server, or to the reason why there is none. */
export async function startMinistack(): Promise<S3Server | string> {
  const failure = (await exists(PROGRAM)) ? undefined : await install()
  if (failure !== undefined) return failure
  const port = await findFreePort()
  const child = spawn(PROGRAM, [], {
    env: { ...process.env, BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`ministack could not be started: ${error.message}`))
    child.once('exit', (code) => resolve(`ministack ended with code ${code}.`))
  })
  const endpoint = `http://127.0.0.1:${port}`
  const reason = await Promise.race([whenReady(endpoint), ended])
  if (reason !== undefined) {
    child.kill('SIGKILL')
    return reason
  }
  return {
    ...{ endpoint, region: 'us-east-1', source: PROGRAM },
    credentials: { accessKeyId: 's3queue-tests', secretAccessKey: randomBytes(16).toString('hex') },
    async stop() {
      child.kill('SIGTERM')
      const last = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(last)
    },
  }
}

/** Undefined if it worked. */
async function install(): Promise<string | undefined> {
  await mkdir(CACHE, { recursive: true })
  const made = await run('python3', ['-m', 'venv', CACHE])
  if (made !== undefined) return `python3 -m venv failed: ${made}`
  const installed = await run(join(CACHE, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', PACKAGE])
  return installed === undefined ? undefined : `pip install ${PACKAGE} failed: ${installed}`
}

/** Undefined if it ended well, else the last line of what it said. */
function run(command: string, parameters: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
    let last = ''
    const note = (chunk: Buffer): void => {
      last = chunk.toString().trim().split('\n').at(-1) ?? last
    }
    child.stdout?.on('data', note)
    child.stderr?.on('data', note)
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) => resolve(code === 0 ? undefined : last || `exit code ${code}`))
  })
}

/** Undefined once it answers. */
async function whenReady(endpoint: string): Promise<string | undefined> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline) {
    if (
      await fetch(endpoint).then(
        () => true,
        () => false,
      )
    )
      return undefined
    await pause(50)
  }
  return `ministack did not get ready within ${READY_WITHIN_MS} ms.`
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
