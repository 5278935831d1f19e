/**
 * An order in steps: payment, stock, shipment, and a mail through a second queue. When a step cannot be done, what was done before is undone.
 * Every step goes by the order's id, so a second run of the handler does nothing twice.
 */
import { QueueError, S3QueuePlugin } from '@s3queue/plugin'
import { type Example, queued, recordsOf, whenEnded } from './example.ts'

interface Order {
  product: string
  quantity: number
  total: number
}

interface Mail {
  order: string
  subject: string
}

interface Shop {
  readonly stock: Record<string, number>
  /** By order: what a customer paid, and 0 once that was given back. */
  readonly payments: Record<string, number>
  readonly mails: string[]
}

export const orders: Example<Shop & { statuses: Record<string, string> }> = async (db, say) => {
  const shop: Shop = { stock: { book: 3, lamp: 1 }, payments: {}, mails: [] }
  const reserved = new Set<string>()
  const resource = await db.createResource({
    name: 'orders',
    attributes: {
      ...{ id: 'string|required', product: 'string|required', quantity: 'number|required', total: 'number|required' },
      status: 'string|default:pending',
    },
  })
  await db.createResource({
    name: 'order_mails',
    attributes: { id: 'string|required', order: 'string|required', subject: 'string|required' },
  })

  const mailQueue = new S3QueuePlugin<Mail>({
    resource: 'order_mails',
    namespace: 'mails',
    onMessage: ({ order, subject }) => void shop.mails.push(`${order}: ${subject}`),
  })
  await db.usePlugin(mailQueue, 'mails')
  const mails = queued<Mail>(db, 'order_mails')
  /** One mail for each order and subject, however often it is asked for. */
  const mail = (order: string, subject: string): Promise<unknown> =>
    mails.enqueue({ order, subject }, { deduplicationKey: `${order}/${subject}` })

  const queue = new S3QueuePlugin<Order>({
    resource: 'orders',
    namespace: 'orders',
    concurrency: 10,
    maxAttempts: 3,
    backoff: { baseMs: 20 },
    deadLetterResource: 'failed_orders',
    onMessage: async ({ id, product, quantity, total }, { attempt }) => {
      shop.payments[id] ??= total
      if (attempt === 1 && product === 'book') throw new Error('the warehouse does not answer')
      if (!reserved.has(id)) {
        if ((shop.stock[product] ?? 0) < quantity) {
          throw new QueueError(`${product} is sold out`, {
            ...{ statusCode: 409, retriable: false },
            suggestion: 'Offer another one.',
          })
        }
        shop.stock[product] = (shop.stock[product] ?? 0) - quantity
        reserved.add(id)
      }
      await mail(id, 'on its way')
      await resource.update(id, { status: 'shipped' })
      return { shipment: `shipment-${id}` }
    },
    onError: async (error, { id, total }) => {
      say(`${id}: ${error.message}`)
      if (!(error instanceof QueueError)) return
      if (shop.payments[id] === total) shop.payments[id] = 0
      await mail(id, 'sold out, your money is back')
      await resource.update(id, { status: 'refunded' })
    },
    onComplete: ({ id }) => say(`${id}: shipped`),
  })
  await db.usePlugin(queue, 'orders')

  const ended = Promise.all([whenEnded(queue, 3), whenEnded(mailQueue, 3)])
  const shopWindow = queued<Order>(db, 'orders')
  await shopWindow.enqueue({ id: 'order-1', product: 'book', quantity: 2, total: 40 })
  await shopWindow.enqueue({ id: 'order-2', product: 'lamp', quantity: 1, total: 60 })
  await shopWindow.enqueue({ id: 'order-3', product: 'sofa', quantity: 1, total: 900 })
  await ended
  await queue.stop()
  await mailQueue.stop()
  const records = await recordsOf<{ id: string; status: string }>(db, 'orders')
  return {
    ...shop,
    mails: shop.mails.toSorted(),
    statuses: Object.fromEntries(records.map(({ id, status }) => [id, status])),
  }
}
