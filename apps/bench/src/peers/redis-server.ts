/** A Redis server to compare with: the one that is given, or one of our own for the time of the run, in memory and on loopback. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

export interface RedisServer {
  readonly port: number
  readonly host: string
  stop(): Promise<void>
}

const HINT =
  'bench --peers needs Redis. Install it (Debian: apt-get install redis-server), or set REDIS_HOST and REDIS_PORT to one that may be filled and emptied.'

/** Starts Redis without persistence, its fastest setting. */
export async function startRedis(env: NodeJS.ProcessEnv = process.env): Promise<RedisServer> {
  if (env.REDIS_PORT !== undefined) {
    return { host: env.REDIS_HOST ?? '127.0.0.1', port: Number(env.REDIS_PORT), stop: async () => {} }
  }
  const directory = await mkdtemp(join(tmpdir(), 's3queue-redis-'))
  const port = await freePort()
  const settings = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    directory,
  ]
  const child = spawn('redis-server', settings, { stdio: 'ignore' })
  const stop = async (): Promise<void> => {
    child.kill()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await ready(child, port)
  } catch (error) {
    await stop()
    throw error
  }
  return { host: '127.0.0.1', port, stop }
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new Error(HINT, { cause })))
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code} as soon as it was started.`)))
  })
  const client = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: (times) => Math.min(50 * times, 500),
  })
  client.on('error', () => {})
  try {
    await Promise.race([client.ping(), failed])
  } finally {
    client.disconnect()
    child.removeAllListeners('exit')
    failed.catch(() => {})
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
