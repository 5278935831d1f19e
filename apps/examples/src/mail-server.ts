/** An SMTP server on this machine that keeps what it gets. */
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

export interface MailServer {
  readonly port: number
  /** The mails it accepted, headers and all. */
  readonly mails: readonly { readonly to: string; readonly source: string }[]
  close(): Promise<void>
}

/** `turnAway`: how often it answers "try again later" before it accepts a recipient's first mail. */
export async function startMailServer(turnAway = 0): Promise<MailServer> {
  const mails: { to: string; source: string }[] = []
  const tries = new Map<string, number>()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo({ address }, _session, done) {
      const before = tries.get(address) ?? 0
      tries.set(address, before + 1)
      if (!address.includes('@example.')) done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }))
      else if (before < turnAway) done(Object.assign(new Error('try again later'), { responseCode: 450 }))
      else done()
    },
    onData(stream, { envelope }, done) {
      text(stream).then((source) => {
        for (const { address } of envelope.rcptTo) mails.push({ to: address, source })
        done()
      }, done)
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
