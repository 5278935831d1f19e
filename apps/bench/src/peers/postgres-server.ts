/** A PostgreSQL server to compare with, for the time of the run: on a Unix socket in a temporary directory, with its default settings. */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { sleep, systemClock } from '@s3queue/storage'
import { startGuarded } from './guarded-server.ts'
import { NoPeer } from './no-peer.ts'

export interface PostgresServer {
  readonly connectionString: string
  stop(): Promise<void>
}

/** Where Debian has what is not on the PATH. */
const DEBIAN = '/usr/lib/postgresql/15/bin'
const USER = 'postgres'
const READY_WITHIN_MS = 20_000
const HINT = 'graphile-worker needs PostgreSQL 15. Install it (Debian: apt-get install postgresql-15).'

const run = promisify(execFile)

/** Starts PostgreSQL; commits wait for `fsync`, as by default. Rejects with `NoPeer` if it cannot be started. */
export async function startPostgres(env: NodeJS.ProcessEnv = process.env): Promise<PostgresServer> {
  const bin = await findPrograms(env)
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? await serverUser() : undefined
  const directory = await mkdtemp(join(tmpdir(), 's3queue-postgres-'))
  if (user !== undefined) await chown(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  try {
    const settings = ['--pgdata', data, '--username', USER, '--auth', 'trust', '--encoding', 'UTF8', '--no-locale']
    await run(join(bin, 'initdb'), settings, { cwd: directory, ...user })
  } catch (cause) {
    await rm(directory, { recursive: true, force: true })
    throw new NoPeer(HINT, { cause })
  }
  const command = [join(bin, 'postgres'), '-D', data, '-k', directory, '-c', 'listen_addresses=', '-c', 'fsync=on']
  const server = startGuarded({ command, directory, user, signal: 'INT' })
  try {
    await Promise.race([ready(bin, directory), server.failed])
  } catch (cause) {
    await server.stop()
    throw new NoPeer(HINT, { cause })
  }
  return {
    connectionString: `postgres://${USER}@/postgres?host=${encodeURIComponent(directory)}`,
    stop: () => server.stop(),
  }
}

async function findPrograms({ PATH = '' }: NodeJS.ProcessEnv): Promise<string> {
  for (const folder of [DEBIAN, ...PATH.split(delimiter)]) {
    const isThere = await Promise.all(
      ['initdb', 'postgres', 'pg_isready'].map((program) => access(join(folder, program), constants.X_OK)),
    ).then(
      () => true,
      () => false,
    )
    if (isThere) return folder
  }
  throw new NoPeer(HINT)
}

async function serverUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const idOf = async (flag: '-u' | '-g'): Promise<number> => Number((await run('id', [flag, USER])).stdout)
  try {
    return { uid: await idOf('-u'), gid: await idOf('-g') }
  } catch (cause) {
    throw new NoPeer(`There is no user "${USER}" to run PostgreSQL as. ${HINT}`, { cause })
  }
}

async function ready(bin: string, directory: string): Promise<void> {
  const deadline = systemClock.monotonic() + READY_WITHIN_MS
  while (systemClock.monotonic() < deadline) {
    const isReady = await run(join(bin, 'pg_isready'), ['-q', '-h', directory]).then(
      () => true,
      () => false,
    )
    if (isReady) return
    await sleep(systemClock, 50)
  }
  throw new Error(`PostgreSQL was not ready within ${READY_WITHIN_MS / 1000} s.`)
}
