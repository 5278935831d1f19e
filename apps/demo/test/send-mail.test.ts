import { type HandlerContext, NotRetriable } from '@s3queue/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MailServer, startMailServer } from '../src/mail-server.ts'
import type { Recipient } from '../src/recipients.ts'
import { createMailer, mailIdOf } from '../src/send-mail.ts'

const MAILBOXES = ['ann@example.com', 'bob@example.com', 'cem@example.com']

let server: MailServer
beforeEach(async () => {
  const outage = { after: 2, forMs: 60_000 }
  server = await startMailServer({ mailboxes: new Set(MAILBOXES), greylistEvery: 2, outage, confirmMs: 0 })
})
afterEach(() => server.close())

function send(
  recipient: Partial<Recipient>,
  { token = 1, signal = new AbortController().signal } = {},
): Promise<unknown> {
  const payload = { row: 1, name: 'Ann', email: 'ann@example.com', city: 'Porto', ...recipient }
  const context: Pick<HandlerContext, 'fencingToken' | 'signal'> = { fencingToken: token, signal }
  return Promise.resolve(createMailer(server.port)({ id: payload.email, payload }, context as HandlerContext))
}

describe('sending a mail', () => {
  it('gives it a Message-ID that stays and a token that grows', async () => {
    await send({ name: 'Ann, "the first" Ångström' }, { token: 7 })
    await send({ email: 'Ann@Example.com' }, { token: 8 })
    expect(server.deliveries).toMatchObject([
      { address: 'ann@example.com', messageId: mailIdOf('ann@example.com'), token: 7 },
      { address: 'Ann@example.com', token: 8 },
    ])
  })

  it.each([
    [{ email: 'ann@' }, 'malformed address'],
    [{ email: 'ann smith@example.com' }, 'malformed address'],
    [{ email: 'ann@example' }, 'malformed address'],
    [{ name: '  ' }, 'no name to greet'],
    [{ duplicateOf: 3 }, 'same address as an earlier row'],
    [{ email: 'nobody@example.com' }, '550 no such mailbox'],
  ])('gives %j up for good', async (recipient, words) => {
    const failure = await send(recipient).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(NotRetriable)
    expect(failure).toMatchObject({ message: words })
    expect(server.deliveries).toEqual([])
  })

  it('lets a greylisted mail be tried again', async () => {
    await send({ email: 'ann@example.com' })
    const failure = await send({ email: 'bob@example.com' }).catch((error: unknown) => error)
    expect(failure).not.toBeInstanceOf(NotRetriable)
    expect(failure).toMatchObject({ message: '451 greylisted, try again later' })
    await send({ email: 'bob@example.com' })
    expect(server.deliveries).toHaveLength(2)
  })

  it('lets a mail be tried again that finds the server down, or gone', async () => {
    await send({})
    await send({})
    expect(server.isDown).toBe(true)
    const down = await send({ email: 'cem@example.com' }).catch((error: unknown) => error)
    expect(down).not.toBeInstanceOf(NotRetriable)
    expect(down).toMatchObject({ message: '421 service not available' })
    await server.close()
    const gone = await send({ email: 'cem@example.com' }).catch((error: unknown) => error)
    expect(gone).not.toBeInstanceOf(NotRetriable)
    expect(gone).toMatchObject({ message: expect.stringContaining('no connection') })
  })

  it('sends nothing once the claim is lost', async () => {
    await expect(send({}, { signal: AbortSignal.abort(new Error('lost')) })).rejects.toThrow()
    expect(server.deliveries).toEqual([])
  })
})
