/** E-mails through a real SMTP server that turns each recipient away once: retried with a backoff; an address that is not there is not. */
import { S3QueuePlugin } from '@s3queue/plugin'
import { createTransport } from 'nodemailer'
import { type Example, queued, recordsOf, whenEnded } from './example.ts'
import { startMailServer } from './mail-server.ts'

interface Email {
  to: string
  subject: string
  body: string
}

export const emails: Example<{ sent: string[]; dead: { to: string; attempts: number }[] }> = async (db, say) => {
  const server = await startMailServer(1)
  const mailer = createTransport({ host: '127.0.0.1', port: server.port, ignoreTLS: true })
  await db.createResource({
    name: 'emails',
    attributes: { id: 'string|required', to: 'string|required', subject: 'string|required', body: 'string|required' },
  })

  const queue = new S3QueuePlugin<Email>({
    resource: 'emails',
    concurrency: 5,
    maxAttempts: 3,
    backoff: { baseMs: 50 },
    deadLetterResource: 'failed_emails',
    onMessage: async ({ id, to, subject, body }) => {
      // The same id in every attempt: a mail server that knows it drops the second one.
      const messageId = `<${id}@example.org>`
      try {
        await mailer.sendMail({ messageId, from: 'shop@example.org', to, subject, text: body })
      } catch (error) {
        // What the server refuses for good is not tried again.
        const { permanent = false } = error as { permanent?: boolean }
        throw Object.assign(error as Error, { retriable: !permanent })
      }
      return { messageId }
    },
    onError: (error, { to }) => say(`${to}: ${error.message}`),
    onComplete: ({ to }) => say(`${to}: sent`),
  })
  await db.usePlugin(queue)
  const resource = queued<Email>(db, 'emails')

  const to = ['ada@example.org', 'bob@example.org', 'nobody@nowhere', 'eve@example.org']
  const ended = whenEnded(queue, to.length)
  for (const address of to) await resource.enqueue({ to: address, subject: 'Welcome', body: 'It is good to have you.' })
  await ended
  await queue.stop()
  const dead = await recordsOf<{ data: Email; attempts: number }>(db, 'failed_emails')
  await server.close()
  return {
    sent: server.mails.map((mail) => mail.to).sort(),
    dead: dead.map(({ data, attempts }) => ({ to: data.to, attempts })),
  }
}
