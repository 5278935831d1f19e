/**
 * The SDK's client with what a queue needs of it: connections that stay open, a bound on how many there are and on how
 * long one may take to open, and no retries. It prevents a stall: the SDK's own connect time-out also counts the time a
 * request waits for a free connection, so that a busy store would look like an unreachable one.
 */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '@s3queue/storage'
import type { ResolvedS3StoreOptions } from './options.ts'

/** A client for `options`; it opens no connection before its first request. */
export function createS3Client(options: ResolvedS3StoreOptions): S3Client {
  const { region, endpoint, credentials, maxConnections, connectTimeoutMs, clock } = options
  const agentOptions = { keepAlive: true, maxSockets: maxConnections }
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
      httpAgent: limitConnect(new HttpAgent(agentOptions), 'connect', connectTimeoutMs, clock),
      httpsAgent: limitConnect(new HttpsAgent(agentOptions), 'secureConnect', connectTimeoutMs, clock),
      socketTimeout: 0,
      // A full pool is no defect here, and a library does not write to the console.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
    },
  })
}

/** Makes every connection of `agent` fail that is not open (`event`) after `timeoutMs`. */
function limitConnect<A extends HttpAgent>(agent: A, event: string, timeoutMs: number, clock: Clock): A {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback)
    const stop = clock.setTimer(timeoutMs, () => {
      const error = new Error(`no connection within ${timeoutMs} ms (connectTimeoutMs)`)
      socket?.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    })
    const opened = socket as Socket | null | undefined
    opened?.once(event, stop)
    opened?.once('close', stop)
    return socket
  }
  return agent
}
