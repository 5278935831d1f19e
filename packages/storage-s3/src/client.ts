/**
 * The SDK's client with what a queue needs of it: connections that stay open between requests, bounds on how many there are, on how long one
 * may take to open and stay idle, and no retries. It prevents two stalls. The SDK's own connect time-out also counts the time a
 * request waits for a free connection, so a busy store would look like an unreachable one. And idle connections of one store
 * would use up the file descriptors that another store of the process needs.
 *
 * State: the agents of this process that have open connections, because the limit of file descriptors counts for all of them together.
 */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import type { ResolvedS3StoreOptions } from './options.ts'

/** How many connections each agent has open. */
const connections = new Map<HttpAgent, number>()

/** The process, or the machine, has no file descriptors left. */
const OUT_OF_DESCRIPTORS: readonly unknown[] = ['EMFILE', 'ENFILE']

/** A client for `options`; it opens no connection before its first request. */
export function createS3Client(options: ResolvedS3StoreOptions): S3Client {
  const { region, endpoint, credentials, maxConnections } = options
  // Node applies `timeout` to idle connections only: it closes them, and never a request under way.
  const agentOptions = { keepAlive: true, maxSockets: maxConnections, timeout: options.idleTimeoutMs }
  return new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: options.forcePathStyle,
    maxAttempts: 1,
    requestChecksumCalculation: options.requestChecksumCalculation,
    responseChecksumValidation: options.responseChecksumValidation,
    // Bodies are in memory: waiting for "100 Continue" would cost a round trip and a connection of its own.
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: withLimits(new HttpAgent(agentOptions), 'connect', options),
      httpsAgent: withLimits(new HttpsAgent(agentOptions), 'secureConnect', options),
      socketTimeout: 0,
      // A full pool is no defect here, and a library does not write to the console.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
    },
  })
}

/**
 * Makes every connection of `agent` fail that is not open (`event`) after `connectTimeoutMs`. One that fails because no file descriptors are
 * left closes the idle connections of all stores in this process, so that the next attempt succeeds.
 */
function withLimits<A extends HttpAgent>(agent: A, event: string, options: ResolvedS3StoreOptions): A {
  const { connectTimeoutMs, clock } = options
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (connectOptions, callback) => {
    const socket = connect(connectOptions, callback)
    const stop = clock.setTimer(connectTimeoutMs, () => {
      const error = new Error(`no connection within ${connectTimeoutMs} ms (connectTimeoutMs)`)
      socket?.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    })
    const opened = socket as Socket | null | undefined
    if (opened === undefined || opened === null) return socket
    count(agent, 1)
    opened.once(event, stop)
    opened.once('close', () => {
      stop()
      count(agent, -1)
    })
    opened.once('error', (error: NodeJS.ErrnoException) => {
      if (OUT_OF_DESCRIPTORS.includes(error.code)) closeIdleConnections()
    })
    return socket
  }
  return agent
}

function count(agent: HttpAgent, change: 1 | -1): void {
  const open = (connections.get(agent) ?? 0) + change
  if (open > 0) connections.set(agent, open)
  else connections.delete(agent)
}

function closeIdleConnections(): void {
  for (const { freeSockets } of connections.keys()) {
    for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }
}
