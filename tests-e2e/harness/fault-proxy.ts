/**
 * A proxy in front of an S3 server that does to requests what networks and busy servers do. It never changes a request, because
 * that would break its signature: it holds, repeats, swallows, and replaces answers. Without an injected fault it passes everything on.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { errorBody, type Fault, type FaultTarget, isTarget, type ProxiedRequest } from './faults.ts'
import { createUpstream, readBody, type Upstream, type UpstreamAnswer, type UpstreamRequest } from './upstream.ts'

/** A fault that waits for its request, or has met it. */
export interface Injection {
  /** Resolves with the request that the fault was done to, as soon as it has come in (with `times`: the first). */
  readonly met: Promise<ProxiedRequest>
  /** Resolves with the status of the server's own answer, once the server has done what was asked; never, if it does not get to. */
  readonly applied: Promise<number>
}

export interface FaultProxy {
  /** For `createS3Store`, in place of the server's. */
  readonly endpoint: string
  /** All requests since the start, in the order in which they came in. */
  readonly requests: readonly ProxiedRequest[]
  /** Requests that went on to the server; one that is sent twice counts twice. */
  readonly passedOn: number
  /** Does `fault` to the next request (or `times` requests) that `target` fits. Faults that fit the same request are taken in turn. */
  inject(fault: Fault, target?: FaultTarget): Injection
  /** Breaks all connections and refuses new ones. */
  refuseConnections(): Promise<void>
  /** Takes connections again, at the same address. */
  acceptConnections(): Promise<void>
  stop(): Promise<void>
}

interface Pending {
  readonly fault: Fault
  readonly target: FaultTarget
  left: number
  readonly onMet: (request: ProxiedRequest) => void
  readonly onApplied: (status: number) => void
}

/** `weather`: what happens to a request for which no fault was injected; undefined: nothing. */
export async function startFaultProxy(
  target: string,
  weather: (request: Pick<ProxiedRequest, 'method' | 'path'>) => Fault | undefined = () => undefined,
): Promise<FaultProxy> {
  const upstream = createUpstream(target)
  const requests: ProxiedRequest[] = []
  const pending: Pending[] = []
  let passedOn = 0
  const counted: Upstream = {
    ...upstream,
    send(request) {
      passedOn++
      return upstream.send(request)
    },
  }
  const server = createServer((incoming, response) => {
    serve(incoming, response, { upstream: counted, requests, pending, weather }).catch(() => response.socket?.destroy())
  })
  const port = await listen(server, 0)
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    get passedOn() {
      return passedOn
    },
    inject(fault, faultTarget = {}) {
      const met = Promise.withResolvers<ProxiedRequest>()
      const applied = Promise.withResolvers<number>()
      const { times = 1 } = faultTarget
      pending.push({ fault, target: faultTarget, left: times, onMet: met.resolve, onApplied: applied.resolve })
      return { met: met.promise, applied: applied.promise }
    },
    refuseConnections: () => close(server),
    async acceptConnections() {
      await listen(server, port)
    },
    async stop() {
      await close(server)
      upstream.close()
    },
  }
}

interface Serving {
  readonly upstream: Upstream
  readonly requests: ProxiedRequest[]
  readonly pending: readonly Pending[]
  readonly weather: (request: Pick<ProxiedRequest, 'method' | 'path'>) => Fault | undefined
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  { upstream, requests, pending, weather }: Serving,
): Promise<void> {
  const body = await readBody(incoming)
  const { method = 'GET', url: path = '/', rawHeaders, headers } = incoming
  const injected = pending.find(({ left, target }) => left > 0 && isTarget({ method, path }, target))
  const fault = injected?.fault ?? weather({ method, path })
  const seen: ProxiedRequest = { method, path, headers, bodyBytes: body.length, fault: fault?.kind }
  requests.push(seen)
  const request: UpstreamRequest = { method, path, rawHeaders, body }
  if (fault === undefined) return answer(response, await upstream.send(request))
  if (injected !== undefined) {
    injected.left--
    injected.onMet(seen)
  }
  await inflict({ fault, onApplied: injected?.onApplied ?? (() => {}) }, request, response, upstream)
}

async function inflict(
  { fault, onApplied }: Pick<Pending, 'fault' | 'onApplied'>,
  request: UpstreamRequest,
  response: ServerResponse,
  upstream: Upstream,
): Promise<void> {
  const pass = async (): Promise<UpstreamAnswer> => {
    const answered = await upstream.send(request)
    onApplied(answered.status)
    return answered
  }
  switch (fault.kind) {
    case 'drop-request':
      return void response.socket?.destroy()
    case 'drop-response':
      await pass()
      return void response.socket?.destroy()
    case 'hold':
      await fault.until.catch(() => undefined)
      return answer(response, await pass())
    case 'send-twice':
      await upstream.send(request)
      return answer(response, await pass())
    case 'cut-body':
      return cut(response, await pass(), fault.afterBytes)
    case 'answer': {
      if (fault.applied) await pass()
      const retryAfter = fault.retryAfter === undefined ? [] : ['Retry-After', fault.retryAfter]
      const rawHeaders = ['Content-Type', 'application/xml', ...retryAfter]
      return answer(response, { status: fault.status, rawHeaders, body: Buffer.from(errorBody(fault)) })
    }
  }
}

function answer(response: ServerResponse, { status, rawHeaders, body }: UpstreamAnswer): void {
  response.writeHead(status, rawHeaders)
  response.end(body)
}

function cut(response: ServerResponse, { status, rawHeaders, body }: UpstreamAnswer, afterBytes: number): void {
  response.writeHead(status, rawHeaders)
  response.flushHeaders()
  response.write(body.subarray(0, afterBytes), () => response.socket?.destroy())
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
