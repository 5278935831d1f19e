import { describe, expect, it } from 'vitest'
import type { Account } from '../src/account.ts'
import { checkAccount } from '../src/checks.ts'
import type { Delivery } from '../src/mail-server.ts'
import type { Note } from '../src/notes.ts'
import type { ListedRecipient } from '../src/recipients.ts'
import { mailIdOf } from '../src/send-mail.ts'
import { tellStory } from '../src/story.ts'

const NONE = { get: 0, put: 0, delete: 0, list: 0, dollars: 0 }
const DOOMED = 'the doomed process'

function recipient(row: number, expected: 'sent' | 'dead'): ListedRecipient {
  return { row, name: `N${row}`, email: `n${row}@example.com`, city: 'Porto', expected }
}

function delivery(at: number, id: string, token: number): Delivery {
  return { at, address: `n${id.slice(1)}@example.com`, messageId: mailIdOf(id), token }
}

function claimed(at: number, id: string, token: number, by = 'this process'): Note {
  return { kind: 'claimed', at, id, token, by }
}

function completed(at: number, id: string, token: number, by = 'this process'): Note {
  return { kind: 'completed', at, id, token, by }
}

/** Two good rows, the first of them retried, and a bad one. */
function honest(): Account {
  return {
    recipients: [recipient(1, 'sent'), recipient(2, 'sent'), recipient(3, 'dead')],
    ids: ['m1', 'm2', 'm3'],
    deliveries: [delivery(12, 'm2', 2), delivery(42, 'm1', 4)],
    notes: [
      claimed(10, 'm1', 1),
      claimed(10, 'm2', 2),
      claimed(10, 'm3', 3),
      { kind: 'retried', at: 20, id: 'm1', token: 1, by: 'this process', why: '451' },
      completed(20, 'm2', 2),
      { kind: 'died', at: 20, id: 'm3', token: 3, by: 'this process' },
      claimed(40, 'm1', 4),
      completed(50, 'm1', 4),
    ],
    stats: { waiting: 0, delayed: 0, active: 0, completed: 2, dead: 1, total: 3 },
    dead: [{ id: 'm3', why: 'malformed address' }],
    patience: { visibilityTimeoutMs: 100, takeoverAfterMs: 100 },
    ...{ opening: NONE, cost: NONE, elapsedMs: 1, crash: undefined, interrupted: false, kept: [] },
  }
}

/** The same, where the process that had m1 was killed after its mail was out. */
function crashed(): Account {
  const { notes, ...rest } = honest()
  return {
    ...rest,
    crash: { by: DOOMED, killedAt: 30 },
    deliveries: [delivery(12, 'm2', 2), delivery(31, 'm1', 1), delivery(142, 'm1', 4)],
    notes: [
      claimed(10, 'm1', 1, DOOMED),
      claimed(10, 'm2', 2, DOOMED),
      completed(20, 'm2', 2, DOOMED),
      { kind: 'expired', at: 130, id: 'm1', token: 1, by: 'this process' },
      claimed(135, 'm3', 3),
      { kind: 'died', at: 136, id: 'm3', token: 3, by: 'this process' },
      claimed(140, 'm1', 4),
      completed(150, 'm1', 4),
    ],
  }
}

function broken(account: Account): string[] {
  return checkAccount(account)
    .filter(({ holds }) => !holds)
    .map(({ name }) => name)
}

function without(notes: readonly Note[], kind: Note['kind'], token: number): Note[] {
  return notes.filter((note) => !(note.kind === kind && 'token' in note && note.token === token))
}

type Change = (account: Account) => Partial<Account>

describe('the checks', () => {
  it('find nothing wrong with an honest account', () => {
    expect(broken(honest())).toEqual([])
    expect(broken(crashed())).toEqual([])
  })

  const lies: [string, Change, string][] = [
    ['a row was not enqueued', ({ ids }) => ({ ids: ids.slice(0, 2) }), 'every row became one message'],
    ['one id was given twice', () => ({ ids: ['m1', 'm1', 'm3'] }), 'every row became one message'],
    ['a message vanished', ({ stats }) => ({ stats: { ...stats, completed: 1 } }), 'enqueued = sent + dead'],
    ['a message is stuck', ({ stats }) => ({ stats: { ...stats, active: 1 } }), 'nothing is left over'],
    ['a message waits', ({ stats }) => ({ stats: { ...stats, delayed: 1 } }), 'nothing is left over'],
    [
      'a mail is missing',
      ({ deliveries }) => ({ deliveries: deliveries.slice(1) }),
      'every good recipient has their mail',
    ],
    [
      'a mail went to the wrong address',
      ({ deliveries }) => ({ deliveries: deliveries.map((each) => ({ ...each, address: 'n9@example.com' })) }),
      'every good recipient has their mail',
    ],
    [
      'a bad row got mail',
      ({ deliveries }) => ({ deliveries: [...deliveries, delivery(15, 'm3', 3)] }),
      'nobody else got one',
    ],
    [
      'a good row died',
      ({ dead }) => ({ dead: [...dead, { id: 'm1', why: 'a mistake' }] }),
      'the dead letters are exactly the bad rows',
    ],
    [
      'a good row died in place of a bad one',
      () => ({ dead: [{ id: 'm1', why: 'a mistake' }] }),
      'the dead letters are exactly the bad rows',
    ],
    ['a bad row did not die', () => ({ dead: [] }), 'the dead letters are exactly the bad rows'],
    [
      'a completion was recorded twice',
      ({ notes }) => ({ notes: [...notes, completed(60, 'm1', 4)] }),
      'one completion is recorded for each mail',
    ],
    [
      'a completion was not recorded',
      ({ notes }) => ({ notes: without(notes, 'completed', 4) }),
      'one completion is recorded for each mail',
    ],
    [
      'a mail came twice',
      ({ deliveries }) => ({ deliveries: [...deliveries, delivery(43, 'm1', 4)] }),
      'no mail came twice',
    ],
    [
      'two claims met',
      ({ notes }) => ({ notes: [...without(notes, 'claimed', 4), claimed(19, 'm1', 4)] }),
      'no two claims on a message met',
    ],
    [
      'a claim never ended and the message was claimed again',
      ({ notes }) => ({ notes: without(notes, 'retried', 1) }),
      'no two claims on a message met',
    ],
    ['nobody noted anything', () => ({ notes: [] }), 'no two claims on a message met'],
    ['a token fell', ({ notes }) => ({ notes: [...notes, claimed(70, 'm2', 1)] }), 'fencing tokens only grew'],
    [
      'a late sender came after the new one',
      ({ deliveries }) => ({ deliveries: [...deliveries, delivery(45, 'm1', 1)] }),
      'fencing tokens only grew',
    ],
    [
      'a mail came after its claim had ended',
      ({ deliveries }) => ({ deliveries: deliveries.map((each) => ({ ...each, at: 60 })) }),
      'each mail came while its claim was valid',
    ],
    [
      'a mail came under a token that nobody was given',
      ({ deliveries }) => ({ deliveries: deliveries.map((each) => ({ ...each, token: 9 })) }),
      'each mail came while its claim was valid',
    ],
  ]
  it.each(lies)('notice that %s', (_, change, name) => {
    const account = honest()
    expect(broken({ ...account, ...change(account) })).toContain(name)
  })

  const crashLies: [string, Change, string][] = [
    [
      'a mail was sent twice though its first claim was settled',
      ({ deliveries }) => ({ deliveries: [...deliveries, delivery(13, 'm2', 2)] }),
      'a mail came twice only where its sender was killed or cut off in between',
    ],
    [
      'a claim of the killed process ended while it was alive',
      ({ notes }) => ({
        notes: [...without(notes, 'expired', 1), { kind: 'expired', at: 29, id: 'm1', token: 1, by: 'this process' }],
      }),
      'claims of the killed process ended only after it was dead',
    ],
    [
      'nobody took over',
      ({ notes }) => ({ notes: notes.map((note) => ({ ...note, by: DOOMED })) }),
      'the killed process worked, and so did others',
    ],
    [
      'the message was claimed again before its process was dead',
      ({ notes }) => ({ notes: [...without(without(notes, 'expired', 1), 'claimed', 4), claimed(25, 'm1', 4)] }),
      'no two claims on a message met',
    ],
  ]
  it.each(crashLies)('notice after a crash that %s', (_, change, name) => {
    const account = crashed()
    expect(broken({ ...account, ...change(account) })).toContain(name)
  })

  it('excuse what a killed process had no time to note, if the queue knows of it', () => {
    const account = crashed()
    const notes = without(account.notes, 'completed', 2)
    expect(broken({ ...account, notes })).toEqual([])
    expect(broken({ ...account, notes, stats: { ...account.stats, completed: 1 } })).toContain(
      'one completion is recorded for each mail',
    )
  })
})

describe('the story of a crash', () => {
  it('is told of a message that was sent twice', () => {
    const story = tellStory(crashed())
    expect(story?.split('\n').slice(1, -2)).toEqual([
      '    0.000 s  claimed by the doomed process, token 1',
      '    0.020 s  the doomed process dies',
      '    0.021 s  the mail server accepts the mail, token 1',
      '    0.120 s  the claim with token 1 runs out',
      '    0.130 s  claimed by this process, token 4',
      '    0.132 s  the mail server accepts the mail, token 4',
      '    0.140 s  completed',
    ])
    expect(story).toContain('at-least-once')
  })

  it('is not told where there was none', () => {
    expect(tellStory(honest())).toBeUndefined()
  })
})
