import type { Database } from 's3db.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../src/database.ts'
import { emails } from '../src/email.ts'
import { recordsOf } from '../src/example.ts'
import { exports_ } from '../src/export.ts'
import { guardedApi } from '../src/guarded-api.ts'
import { images } from '../src/images.ts'
import { orders } from '../src/orders.ts'
import { shards } from '../src/shards.ts'
import { webhooks } from '../src/webhooks.ts'

let db: Database
let count = 0
const quiet = (): void => {}

beforeEach(async () => {
  db = await openDatabase(`memory://examples-${process.pid}-${++count}/app`)
})
afterEach(() => db.disconnect())

describe('use cases on memory', () => {
  it('C120 e-mails reach a real SMTP server, after it turned them away; an address that is not there is a dead letter', async () => {
    const { sent, dead } = await emails(db, quiet)
    expect(sent).toEqual(['ada@example.org', 'bob@example.org', 'eve@example.org'])
    expect(dead).toEqual([{ to: 'nobody@nowhere', attempts: 1 }])
  })

  it('C121 image files are resized, and their records know the sizes', async () => {
    const { made } = await images(db, quiet)
    expect(made).toHaveLength(6)
    expect(made.filter(({ name }) => name === 'thumbnail')).toEqual(
      new Array(3).fill({ name: 'thumbnail', format: 'jpeg', width: 150, height: 150 }),
    )
    for (const { sizes } of await recordsOf<{ sizes: object[] }>(db, 'images')) expect(sizes).toHaveLength(2)
  })

  it('C122 signed webhooks: 5xx is tried again, 4xx is dead at once', async () => {
    const { received, dead } = await webhooks(db, quiet)
    expect(received).toEqual(['/flaky user.created {"user":"ada"}', '/steady user.created {"user":"ada"}'])
    expect(dead).toEqual([{ url: '/gone', attempts: 1 }])
  })

  it('C123 an order goes through its steps once, or is undone', async () => {
    const shop = await orders(db, quiet)
    expect(shop.stock).toEqual({ book: 1, lamp: 0 })
    expect(shop.payments).toEqual({ 'order-1': 40, 'order-2': 60, 'order-3': 0 })
    expect(shop.statuses).toEqual({ 'order-1': 'shipped', 'order-2': 'shipped', 'order-3': 'refunded' })
    expect(shop.mails).toEqual(['order-1: on its way', 'order-2: on its way', 'order-3: sold out, your money is back'])
  })

  it('C124 an export lies in the bucket as CSV, and its link came by mail', async () => {
    const { csv, mail } = await exports_(db, quiet)
    expect(csv).toBe('number,name\n1,Ada\n3,"Alan ""the machine"""')
    expect(mail).toContain('https://example.org/exports/uk-people.csv')
  })

  it('C126 a breaker keeps calls from an API that is down, a limiter from one that is up, and all are made in the end', async () => {
    const { answered, calls, opened, elapsedMs } = await guardedApi(db, quiet)
    expect(answered).toBe(40)
    expect(calls).toBe(46)
    expect(opened).toBeGreaterThanOrEqual(1)
    // Ten calls in 100 ms at most: the last of 46 comes 400 ms after the first or later.
    expect(elapsedMs).toBeGreaterThan(390)
  })

  it('C127 messages are spread over four shards, those of one customer to one', async () => {
    const { perShard, shardsOfCustomers } = await shards(db, quiet)
    expect(perShard.reduce((sum, n) => sum + n, 0)).toBe(80)
    expect(perShard.filter((n) => n > 0)).toHaveLength(4)
    for (const which of Object.values(shardsOfCustomers)) expect(which).toHaveLength(1)
  })
})
