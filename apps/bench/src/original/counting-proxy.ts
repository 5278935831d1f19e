/** A proxy in front of an S3 server that counts what passes, by kind and by key: so both plugins are measured from outside. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Kind = 'get' | 'head' | 'put' | 'delete' | 'list'

/** Requests of some stretch of time. */
export interface Counted {
  readonly kinds: Readonly<Record<Kind, number>>
  /** By method and pattern of the key, in which `#` stands for what is another's in each. */
  readonly keys: ReadonlyMap<string, number>
}

export interface CountingProxy {
  readonly host: string
  /** Requests since the last call. */
  take(): Counted
  close(): Promise<void>
}

const NONE: Readonly<Record<Kind, number>> = { get: 0, head: 0, put: 0, delete: 0, list: 0 }

/** `latencyMs`: how much longer each request takes, for a server that is as far away as S3. */
export async function startCountingProxy(endpoint: string, latencyMs: number): Promise<CountingProxy> {
  const { hostname, port, host } = new URL(endpoint)
  let kinds = { ...NONE }
  let keys = new Map<string, number>()
  const server = createServer((from, to) => {
    const kind = kindOf(from.method, from.url)
    const key = `${kind} ${patternOf(from.url ?? '')}`
    kinds[kind]++
    keys.set(key, (keys.get(key) ?? 0) + 1)
    // The signature covers the host that the client asked for.
    const on = request({ hostname, port, method: from.method, path: from.url, headers: from.headers }, (answer) => {
      const give = (): void => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      }
      if (latencyMs === 0) give()
      else setTimeout(give, latencyMs)
    })
    on.on('error', () => to.destroy())
    from.pipe(on)
  })
  await new Promise<void>((resolve) => server.listen(0, hostname, resolve))
  return {
    host: host.replace(port, String((server.address() as AddressInfo).port)),
    take() {
      const taken = { kinds, keys }
      kinds = { ...NONE }
      keys = new Map()
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

/** The key, or the prefix of a list, without the bucket: ids, numbers of slots and dates of all messages are one pattern. */
function patternOf(url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const key = searchParams.get('prefix') ?? decodeURIComponent(pathname).replace(/^\/[^/]*\/?/, '')
  return key
    .split('/')
    .map((part) => part.replace(/[\w-]{16,}|\d{12}|\d{4}-\d\d-\d\d/g, '#'))
    .join('/')
}
