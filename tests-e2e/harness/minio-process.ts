/**
 * Runs a MinIO binary on a free loopback port, with its data in a temporary folder. A shell stands in between and waits
 * for the end of its input: however this process ends, a kill included, the server ends with it and its data is removed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { S3Server } from './s3-server.ts'

const READY_WITHIN_MS = 30_000
const ATTEMPTS = 3

/** $1 is the folder with the data, the rest the command. Input is at descriptor 3, because a shell takes it from commands in the background. */
const GUARD = `
  exec 3<&0
  data=$1; shift
  "$@" 3<&- & server=$!
  (cat <&3 >/dev/null; kill "$server" 2>/dev/null) & guard=$!
  wait "$server"; code=$?
  kill "$guard" 2>/dev/null
  rm -rf "$data"
  exit "$code"`

export async function runMinio(binary: string): Promise<S3Server> {
  let failure: unknown
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await startOnce(binary)
    } catch (error) {
      // Somebody else may have taken the port in between: try another.
      failure = error
    }
  }
  throw failure
}

async function startOnce(binary: string): Promise<S3Server> {
  const port = await findFreePort()
  const data = await mkdtemp(join(tmpdir(), 's3queue-minio-'))
  const [user, password] = ['s3queue-tests', randomBytes(16).toString('hex')]
  const address = `127.0.0.1:${port}`
  const command = [binary, 'server', '--quiet', '--address', address, data]
  const child = spawn('sh', ['-c', GUARD, 'sh', data, ...command], {
    env: { ...process.env, MINIO_ROOT_USER: user, MINIO_ROOT_PASSWORD: password, MINIO_BROWSER: 'off' },
    stdio: ['pipe', 'ignore', 'pipe'],
    // A group of its own: Ctrl-C in a terminal goes to whole groups, and would end the guard before it has cleaned up.
    detached: true,
  })
  const ended = watchEnd(child)
  const endpoint = `http://${address}`
  try {
    await Promise.race([waitUntilReady(endpoint), ended.then((words) => Promise.reject(new Error(words)))])
  } catch (error) {
    child.stdin.end()
    throw error
  }
  // The server alone does not keep this process alive.
  child.unref()
  for (const pipe of [child.stdin, child.stderr]) if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: user, secretAccessKey: password },
    source: binary,
    async stop() {
      child.ref()
      child.stdin.end()
      await ended
    },
  }
}

/** Resolves when the process has ended, with what it said last. */
function watchEnd(child: ChildProcess): Promise<string> {
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2_000)
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`MinIO could not be started: ${error.message}`))
    child.once('close', (code) => resolve(`MinIO ended with code ${code}: ${words.trim()}`))
  })
}

async function waitUntilReady(endpoint: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline) {
    const answer = await fetch(`${endpoint}/minio/health/ready`).catch(() => undefined)
    if (answer?.ok) return
    await pause(50)
  }
  throw new Error(`MinIO did not get ready within ${READY_WITHIN_MS} ms.`)
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : undefined
      server.close(() => (port === undefined ? reject(new Error('no port')) : resolve(port)))
    })
  })
}
