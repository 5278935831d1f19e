/** An HTTP server that answers what a test tells it to, one reply for each request, and keeps what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ScriptedReply {
  /** Default 200. */
  readonly status?: number
  /** Names in lower case. Node adds `date` and `content-length` unless they are given. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Answers when this resolves. */
  readonly until?: Promise<void>
  /** Never answers. */
  readonly hang?: true
  /** Breaks the connection instead of answering. */
  readonly reset?: true
  /** Promises the whole body, sends this many bytes of it, and then breaks the connection, or waits for ever. */
  readonly cutAfter?: number
  readonly cutBy?: 'reset' | 'silence'
}

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** Port of the connection it came over. */
  readonly clientPort: number | undefined
}

export interface ScriptedServer {
  readonly endpoint: string
  readonly requests: readonly SeenRequest[]
  /** Replies for the next requests, in turn. A request without a reply gets status 418, which no rule expects. */
  reply(...replies: readonly ScriptedReply[]): void
  /** Replies to every later request for which `reply` left none. */
  replyBy(decide: (request: SeenRequest) => ScriptedReply): void
  /** Resolves as soon as `count` requests have come in whole. */
  seen(count: number): Promise<void>
  /** Resolves as soon as `count` connections have been closed. */
  disconnected(count: number): Promise<void>
  close(): Promise<void>
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const requests: SeenRequest[] = []
  const replies: ScriptedReply[] = []
  const waiting = new Set<() => void>()
  let decide: (request: SeenRequest) => ScriptedReply = () => ({ status: 418 })
  let closed = 0
  const check = (): void => {
    for (const wake of waiting) wake()
  }
  const reached = (count: number, current: () => number): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        if (current() < count) return
        waiting.delete(wake)
        resolve()
      }
      waiting.add(wake)
      wake()
    })
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://server')
      const { method = '', headers } = request
      const body = Buffer.concat(chunks).toString('latin1')
      const clientPort = request.socket.remotePort
      const seen = { method, path: url.pathname, query: url.searchParams, headers, body, clientPort }
      requests.push(seen)
      check()
      const reply = replies.shift() ?? decide(seen)
      if (reply.until === undefined) send(response, reply)
      else void reply.until.then(() => send(response, reply))
    })
  })
  // The server never closes an idle connection: only the client does.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    socket.once('close', () => {
      closed++
      check()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    reply: (...more) => replies.push(...more),
    replyBy(how) {
      decide = how
    },
    seen: (count) => reached(count, () => requests.length),
    disconnected: (count) => reached(count, () => closed),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, reply: ScriptedReply): void {
  const { status = 200, headers = {}, body = '', cutAfter } = reply
  if (reply.hang) return
  if (reply.reset) return void response.socket?.destroy()
  if (cutAfter === undefined) {
    response.writeHead(status, headers)
    response.end(body)
    return
  }
  response.writeHead(status, { 'content-length': String(body.length), ...headers })
  response.write(body.slice(0, cutAfter), () => {
    if (reply.cutBy !== 'silence') response.socket?.destroy()
  })
  response.flushHeaders()
}

/** An error answer in S3's XML. */
export function s3Error(status: number, code: string, headers: Record<string, string> = {}): ScriptedReply {
  return {
    status,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'REQUEST1', ...headers },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>Words about ${code}</Message><RequestId>REQUEST1</RequestId></Error>`,
  }
}

/** An answer to ListObjectsV2. */
export function s3List(keys: readonly string[], more: string = '<IsTruncated>false</IsTruncated>'): ScriptedReply {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>3</Size></Contents>`).join('')
  return {
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>b</Name>${more}${contents}</ListBucketResult>`,
  }
}
