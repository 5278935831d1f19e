/** Passes a request on, unchanged to the last header: a signature covers the host name the client saw. */
import { Agent, type IncomingMessage, request } from 'node:http'

export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

export interface UpstreamAnswer {
  readonly status: number
  readonly rawHeaders: string[]
  readonly body: Buffer
}

export interface Upstream {
  send(request: UpstreamRequest): Promise<UpstreamAnswer>
  close(): void
}

export function createUpstream(target: string): Upstream {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  return {
    close: () => agent.destroy(),
    send: ({ method, path, rawHeaders, body }) =>
      new Promise((resolve, reject) => {
        const headers = [...rawHeaders]
        const outgoing = request({ agent, hostname, port, method, path, headers }, (answer) => {
          readBody(answer).then((bytes) => {
            resolve({ status: answer.statusCode ?? 0, rawHeaders: answer.rawHeaders, body: bytes })
          }, reject)
        })
        outgoing.once('error', reject)
        outgoing.end(body)
      }),
  }
}

/** The whole body; rejects if it breaks off. */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
