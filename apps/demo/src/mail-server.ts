/**
 * A real SMTP server on this machine, as moody as those out there: it refuses unknown mailboxes for good (550), greylists some senders'
 * first try (451), and for a moment in the middle it is not available at all (421).
 *
 * Its list of what it accepted is the outside evidence of the demo: it does not know that there is a queue.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { monotonicMs } from './monotonic.ts'

export interface MailServerOptions {
  /** The mailboxes it knows, in lower case. */
  readonly mailboxes: ReadonlySet<string>
  /** Greylists the first try for each so many mailboxes. */
  readonly greylistEvery: number
  /** Goes down once it has accepted `after` mails, and comes back after `forMs`. */
  readonly outage: { readonly after: number; readonly forMs: number }
  /** How long it takes to confirm a mail that it has already accepted. */
  readonly confirmMs: number
}

/** A mail that the server took responsibility for. */
export interface Delivery {
  readonly at: number
  readonly address: string
  readonly messageId: string
  /** The queue's fencing token, which the sender put into a header. */
  readonly token: number
}

export interface MailServer {
  readonly port: number
  readonly deliveries: readonly Delivery[]
  readonly isDown: boolean
  /** Resolves once `count` mails were accepted. */
  whenAccepted(count: number): Promise<void>
  close(): Promise<void>
}

export async function startMailServer(options: MailServerOptions): Promise<MailServer> {
  const deliveries: Delivery[] = []
  const waiters: { readonly count: number; readonly resolve: () => void }[] = []
  const triedBefore = new Set<string>()
  let isDown = false
  let outagesLeft = 1

  const judgeMailbox = (address: string): Error | undefined => {
    if (isDown) return reply(421, 'service not available')
    const mailbox = address.toLowerCase()
    if (!options.mailboxes.has(mailbox)) return reply(550, 'no such mailbox')
    const isFirstTry = !triedBefore.has(mailbox)
    triedBefore.add(mailbox)
    if (isFirstTry && triedBefore.size % options.greylistEvery === 0) return reply(451, 'greylisted, try again later')
    return undefined
  }

  const accept = (delivery: Delivery): void => {
    deliveries.push(delivery)
    for (const { count, resolve } of waiters) if (deliveries.length >= count) resolve()
    if (outagesLeft === 0 || deliveries.length < options.outage.after) return
    outagesLeft--
    isDown = true
    setTimeout(() => {
      isDown = false
    }, options.outage.forMs)
  }

  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 500,
    onConnect: (_session, done) => done(isDown ? reply(421, 'service not available') : undefined),
    onRcptTo: ({ address }, _session, done) => done(judgeMailbox(address)),
    onData(stream, session, done) {
      text(stream).then((mail) => {
        if (isDown) return done(reply(421, 'service not available'))
        const address = session.envelope.rcptTo[0]?.address ?? ''
        const token = Number(header(mail, 'X-Fencing-Token'))
        accept({ at: monotonicMs(), address, messageId: header(mail, 'Message-ID'), token })
        setTimeout(done, options.confirmMs)
      }, done)
    },
  })
  // A client that was killed leaves a broken connection behind; that is its business, not the server's.
  server.on('error', () => {})
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo

  return {
    port,
    deliveries,
    get isDown() {
      return isDown
    },
    whenAccepted: (count) =>
      new Promise((resolve) => {
        if (deliveries.length >= count) resolve()
        else waiters.push({ count, resolve })
      }),
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

function header(mail: string, name: string): string {
  const end = mail.indexOf('\r\n\r\n')
  const line = mail
    .slice(0, end)
    .split('\r\n')
    .find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line?.slice(name.length + 1).trim() ?? ''
}
