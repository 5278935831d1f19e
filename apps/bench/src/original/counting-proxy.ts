/** A proxy in front of an S3 server that counts what passes, by kind: so both plugins are measured from outside. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Kind = 'get' | 'head' | 'put' | 'delete' | 'list'

export interface CountingProxy {
  readonly host: string
  /** Requests since the last call. */
  take(): Readonly<Record<Kind, number>>
  close(): Promise<void>
}

const NONE: Readonly<Record<Kind, number>> = { get: 0, head: 0, put: 0, delete: 0, list: 0 }

export async function startCountingProxy(endpoint: string): Promise<CountingProxy> {
  const { hostname, port, host } = new URL(endpoint)
  let counts = { ...NONE }
  const server = createServer((from, to) => {
    counts[kindOf(from.method, from.url)]++
    // The signature covers the host that the client asked for.
    const on = request({ hostname, port, method: from.method, path: from.url, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(to)
    })
    on.on('error', () => to.destroy())
    from.pipe(on)
  })
  await new Promise<void>((resolve) => server.listen(0, hostname, resolve))
  return {
    host: host.replace(port, String((server.address() as AddressInfo).port)),
    take() {
      const taken = counts
      counts = { ...NONE }
      return taken
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function kindOf(method: string | undefined, url: string | undefined): Kind {
  if (method === 'GET') return /[?&](list-type|prefix|delimiter|max-keys)=/.test(url ?? '') ? 'list' : 'get'
  if (method === 'HEAD') return 'head'
  // Several keys are deleted with one POST.
  return method === 'PUT' ? 'put' : 'delete'
}
