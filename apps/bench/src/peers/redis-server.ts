/** A Redis server to compare with: the one that is given, or one for the time of the run, in memory and on loopback. */
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type GuardedServer, startGuarded } from './guarded-server.ts'
import { NoPeer } from './no-peer.ts'

export interface RedisServer {
  readonly port: number
  readonly host: string
  stop(): Promise<void>
}

const HINT =
  'BullMQ needs Redis. Install it (Debian: apt-get install redis-server), or set REDIS_HOST and REDIS_PORT to one that may be filled and emptied.'

/** Starts Redis without persistence, its fastest setting. Rejects with `NoPeer` if it cannot be started. */
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
  const server = startGuarded({ command: ['redis-server', ...settings], directory, signal: 'TERM' })
  try {
    await ready(server, port)
  } catch (cause) {
    await server.stop()
    throw new NoPeer(HINT, { cause })
  }
  return { host: '127.0.0.1', port, stop: () => server.stop() }
}

async function ready({ failed }: GuardedServer, port: number): Promise<void> {
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
