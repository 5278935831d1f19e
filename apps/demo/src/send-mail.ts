/**
 * The handler: what the queue runs for each message.
 *
 * Returning means sent. Throwing means to try again after a backoff, except for `NotRetriable`: that message goes to the dead letters at
 * once, since another attempt cannot help.
 */
import { type Handler, NotRetriable } from '@s3queue/core'
import { createTransport } from 'nodemailer'
import type { Recipient } from './recipients.ts'

/** The id that a message's mail has, whichever attempt sends it: so whoever receives it can tell a second copy. */
export function mailIdOf(messageId: string): string {
  return `<${messageId}@newsletter.example>`
}

/** What an attempt says that was stopped, as its claim was about to run out or its worker to end. The mail may be out. */
export const GIVEN_UP = 'given up: the claim was over'

/** A handler that sends through the SMTP server on `port` of this machine. */
export function createMailer(port: number): Handler<Recipient> {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, connectionTimeout: 10_000 })
  return async ({ id, payload: recipient }, context) => {
    assertSendable(recipient)
    const { email, name, city } = recipient
    try {
      await transport.sendMail({
        messageId: mailIdOf(id),
        // The receiving side could refuse a late sender by this: a later claim on the same message has a higher token.
        headers: { 'X-Fencing-Token': String(context.fencingToken) },
        envelope: { from: 'news@newsletter.example', to: [email] },
        from: 'The Newsletter <news@newsletter.example>',
        to: { name, address: email },
        subject: `News for ${city}`,
        text: `Dear ${name},\n\nthis came to you through a queue that is nothing but objects in a store.\n`,
        // Aborted before anybody else may get the message: then it is no longer ours to send.
        signal: context.signal,
      })
    } catch (error) {
      throw context.signal.aborted ? new Error(GIVEN_UP, { cause: error }) : explain(error)
    }
  }
}

/** Throws `NotRetriable` for what no mail server needs to be asked about. */
function assertSendable({ email, name, duplicateOf }: Recipient): void {
  if (!/^[^\s@<>]+@[^\s@.<>]+(\.[^\s@.<>]+)+$/.test(email)) throw new NotRetriable('malformed address')
  if (name.trim() === '') throw new NotRetriable('no name to greet')
  if (duplicateOf !== undefined) throw new NotRetriable('same address as an earlier row')
}

/** What nodemailer says, in one line; for good if the server said so. */
function explain(error: unknown): Error {
  const { responseCode, response, permanent, message } = error as Partial<Record<string, unknown>>
  const line = typeof response === 'string' ? response.split('\n', 1)[0] : undefined
  const words = line ?? String(message ?? error)
  if (permanent === true) return new NotRetriable(words, { cause: error })
  return new Error(responseCode === undefined ? `no connection: ${words}` : words, { cause: error })
}
