/** Signed webhooks to a receiver that fails at times: 5xx is tried again, 4xx is dead at once. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { QueueError, S3QueuePlugin } from '@s3queue/plugin'
import { type Example, queued, recordsOf, whenEnded } from './example.ts'

interface Webhook {
  url: string
  event: string
  payload: { user: string }
}

const SECRET = 'only the sender and the receiver know'

function sign(body: string): string {
  return createHmac('sha256', SECRET).update(body).digest('hex')
}

/** Knows its customers by their path: `/flaky` fails twice, `/gone` always says 410. */
async function startReceiver(): Promise<{ server: Server; origin: string; received: string[] }> {
  const received: string[] = []
  let calls = 0
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const signature = Buffer.from(String(request.headers['x-signature']))
      const isOurs = signature.length === 64 && timingSafeEqual(signature, Buffer.from(sign(body)))
      const status = !isOurs ? 401 : request.url === '/gone' ? 410 : request.url === '/flaky' && calls++ < 2 ? 503 : 200
      if (status === 200) received.push(`${request.url} ${request.headers['x-event']} ${body}`)
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, received, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export const webhooks: Example<{ received: string[]; dead: { url: string; attempts: number }[] }> = async (db, say) => {
  const { server, origin, received } = await startReceiver()
  await db.createResource({
    name: 'webhooks',
    attributes: { id: 'string|required', url: 'string|required', event: 'string|required', payload: 'json|required' },
  })

  const queue = new S3QueuePlugin<Webhook>({
    resource: 'webhooks',
    concurrency: 50,
    maxAttempts: 5,
    backoff: { baseMs: 20, jitter: 0.2 },
    deadLetterResource: 'failed_webhooks',
    onMessage: async ({ url, event, payload }, { signal }) => {
      const body = JSON.stringify(payload)
      const headers = { 'content-type': 'application/json', 'x-event': event, 'x-signature': sign(body) }
      const { ok, status } = await fetch(url, { method: 'POST', headers, body, signal })
      if (!ok) {
        throw new QueueError(`${url} answered ${status}`, {
          ...{ statusCode: status, retriable: status >= 500 },
          suggestion: status >= 500 ? 'It is tried again.' : 'Ask the customer for another address.',
        })
      }
      return { status }
    },
    onError: (error) => say(error.message),
    onComplete: ({ url }, result) => say(`${url} answered ${(result as { status: number }).status}`),
  })
  await db.usePlugin(queue)

  const customers = ['/steady', '/flaky', '/gone']
  const ended = whenEnded(queue, customers.length)
  for (const customer of customers) {
    const message = { url: `${origin}${customer}`, event: 'user.created', payload: { user: 'ada' } }
    await queued<Webhook>(db, 'webhooks').enqueue(message)
  }
  await ended
  await queue.stop()
  server.close()
  const dead = await recordsOf<{ data: Webhook; attempts: number }>(db, 'failed_webhooks')
  return {
    received: received.toSorted(),
    dead: dead.map(({ data, attempts }) => ({ url: new URL(data.url).pathname, attempts })),
  }
}
