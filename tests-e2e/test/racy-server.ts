/**
 * A small S3 server, in memory, that gets every request right while they come one by one, and checks a condition before it
 * writes rather than while: several writers at once all find it fulfilled. Some real servers are like that.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { readBody } from '../harness/upstream.ts'

export interface RacyServer {
  readonly endpoint: string
  stop(): Promise<void>
}

interface StoredObject {
  readonly body: Buffer
  readonly etag: string
}

interface Answer {
  readonly status: number
  readonly body?: Buffer | string
  readonly etag?: string
}

export async function startRacyServer(): Promise<RacyServer> {
  const objects = new Map<string, StoredObject>()
  const server = createServer((request, response) => {
    handle(objects, request).then(
      (answer) => send(response, answer),
      () => response.socket?.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function handle(objects: Map<string, StoredObject>, request: IncomingMessage): Promise<Answer> {
  const body = await readBody(request)
  const url = new URL(request.url ?? '/', 'http://server')
  // The bucket comes first in the path; there is just one.
  const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'))
  if (key === '' && request.method === 'GET') return list(objects, url.searchParams)
  if (key === '' && request.method === 'POST') return deleteMany(objects, body.toString())
  if (request.method === 'PUT') return put(objects, key, body, request.headers)
  if (request.method === 'DELETE') {
    objects.delete(key)
    return { status: 204 }
  }
  const found = objects.get(key)
  if (found === undefined) return errorAnswer(404, 'NoSuchKey')
  if (request.headers['if-none-match'] === found.etag) return { status: 304, etag: found.etag }
  return { status: 200, ...found }
}

async function put(
  objects: Map<string, StoredObject>,
  key: string,
  body: Buffer,
  headers: IncomingMessage['headers'],
): Promise<Answer> {
  const current = objects.get(key)
  if (headers['if-none-match'] === '*' && current !== undefined) return errorAnswer(412, 'PreconditionFailed')
  const wanted = headers['if-match']
  if (wanted !== undefined && current === undefined) return errorAnswer(404, 'NoSuchKey')
  if (wanted !== undefined && wanted !== current?.etag) return errorAnswer(412, 'PreconditionFailed')
  // The gap: whoever else has been let through meanwhile writes as well. A few turns, as a disk would take.
  for (let i = 0; i < 20; i++) await turn()
  const etag = `"${createHash('md5').update(body).digest('hex')}"`
  objects.set(key, { body, etag })
  return { status: 200, etag }
}

function deleteMany(objects: Map<string, StoredObject>, xml: string): Answer {
  for (const [, key = ''] of xml.matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(key)
  return { status: 200, body: '<DeleteResult></DeleteResult>' }
}

function list(objects: Map<string, StoredObject>, query: URLSearchParams): Answer {
  const [prefix, after] = [query.get('prefix') ?? '', query.get('start-after') ?? '']
  const limit = Number(query.get('max-keys') ?? 1_000)
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
  const contents = keys
    .slice(0, limit)
    .map((key) => `<Contents><Key>${key}</Key><Size>${objects.get(key)?.body.length}</Size></Contents>`)
  const truncated = keys.length > limit
  return {
    status: 200,
    body: `<ListBucketResult><IsTruncated>${truncated}</IsTruncated>${contents.join('')}</ListBucketResult>`,
  }
}

function errorAnswer(status: number, code: string): Answer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` }
}

function send(response: ServerResponse, { status, body, etag }: Answer): void {
  response.writeHead(status, etag === undefined ? {} : { etag })
  response.end(body)
}
