/** MinIO as a program on this machine: one that is there, or one that Go builds into a cache outside the project. */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { runMinio } from './minio-process.ts'
import type { S3Server, StartOptions } from './s3-server.ts'

/** The last version of MinIO there is as source. */
const MODULE = 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'
const CACHE = join(homedir(), '.cache', 's3queue-dev')

/** `MINIO_BIN`, or `minio` on the PATH or in the cache. A `MINIO_BIN` that cannot be run is an error. */
export async function existingBinary({ env }: StartOptions): Promise<S3Server | string> {
  const given = env.MINIO_BIN
  if (given !== undefined && given !== '') {
    if (!(await isExecutable(given))) throw new Error(`MINIO_BIN names ${given}, which cannot be run.`)
    return runMinio(given)
  }
  const found = (await findOnPath('minio', env)) ?? (await firstExecutable([join(CACHE, 'minio')]))
  return found === undefined ? `no minio on the PATH or in ${CACHE}` : runMinio(found)
}

/** Builds MinIO once; later runs find it in the cache. */
export async function builtBinary({ env, log }: StartOptions): Promise<S3Server | string> {
  const go = (await findOnPath('go', env)) ?? (await firstExecutable(['/usr/local/go/bin/go']))
  if (go === undefined) return 'no Go to build MinIO with'
  log(`Building MinIO with ${go} into ${CACHE}. This takes some minutes, once.`)
  const startedAt = performance.now()
  await mkdir(CACHE, { recursive: true })
  const failure = await build(go, env)
  if (failure !== undefined) return `go install ${MODULE} failed (${failure})`
  log(`Built MinIO in ${Math.round((performance.now() - startedAt) / 1000)} s`)
  return runMinio(join(CACHE, 'minio'))
}

/** Undefined if it worked, else the last line of what the compiler said. */
function build(go: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(go, ['install', MODULE], {
      env: { ...env, GOBIN: CACHE, GOFLAGS: '-mod=mod' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let last = ''
    child.stderr.on('data', (chunk: Buffer) => {
      last = chunk.toString().trim().split('\n').at(-1) ?? last
    })
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) => resolve(code === 0 ? undefined : last || `exit code ${code}`))
  })
}

function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return firstExecutable(folders.map((folder) => join(folder, name)))
}

async function firstExecutable(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await isExecutable(file)) return file
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
