/**
 * Several worker processes on one queue, with nothing between them but the store. This process enqueues and looks on; half-way it kills the
 * worker process that writes, and another one takes over.
 */
import { join } from 'node:path'
import type { Account } from '../account.ts'
import { addCosts, type Cost, costOf, NO_COST, since } from '../cost.ts'
import type { Crash } from '../crash.ts'
import { monotonicMs } from '../monotonic.ts'
import { enqueueAll, halfOf, listDeadLetters, type Workplace } from '../newsletter.ts'
import { openSharedNewsletterQueue, SHARED } from '../newsletter-queue.ts'
import { type Note, readJournal } from '../notes.ts'
import { watchForStall } from '../progress.ts'
import { rejectWhenAborted, SpawnedWorker } from '../spawned-worker.ts'
import { LogRecord } from './log-record.ts'

interface Pod {
  readonly name: string
  readonly journal: string
  readonly process: SpawnedWorker
}

/** Resolves to what came of it; `count` processes work. */
export async function workTogether(workplace: Workplace, count: number): Promise<Omit<Account, 'kept'>> {
  const { store, recipients, mailServer, interrupt } = workplace
  const queue = openSharedNewsletterQueue(store, SHARED)
  // A queue object of its own, so that looking on is not counted as work.
  const onlooker = openSharedNewsletterQueue(store, SHARED)
  const record = new LogRecord()
  const stall = watchForStall(() => record.ends.length + mailServer.deliveries.length)
  const end = new AbortController()
  const signal = AbortSignal.any([interrupt, stall.signal])
  const following = record.follow(onlooker, end.signal)
  const pods = Array.from({ length: count }, (_, i): Pod => {
    const name = `pod-${i + 1}`
    return { name, journal: join(workplace.scratch, `${name}.jsonl`), process: new SpawnedWorker() }
  })
  const trouble = Promise.race([
    ...pods.map(({ process }) => process.endedByItself),
    following.then(() => new Promise<never>(() => {})),
    rejectWhenAborted(signal),
  ])
  trouble.catch(() => {})
  const orTrouble = <T>(wanted: Promise<T>): Promise<T> => Promise.race([wanted, trouble])
  let ids: string[] = []
  let crash: Crash | undefined
  try {
    await Promise.all(pods.map(({ process }) => process.next('ready', signal)))
    begin(workplace, pods)
    await orTrouble(record.whenBegun())
    const startedAt = monotonicMs()
    const endProgress = workplace.showProgress(() => describeProgress(workplace, pods, record))
    try {
      ids = await orTrouble(enqueueAll(queue, recipients))
      await orTrouble(mailServer.whenAccepted(halfOf(recipients)))
      crash = await killWriter(pods, signal)
      workplace.say(`Half-way: ${crash.by}, the process that writes, was killed (SIGKILL). Another takes over.`)
      await orTrouble(record.whenSettled(recipients.length))
    } catch (error) {
      if (!interrupt.aborted) throw error
    } finally {
      endProgress()
    }
    const elapsedMs = monotonicMs() - startedAt
    const stats = await queue.getStats()
    const dead = await listDeadLetters(queue)
    await endAll(pods)
    const { notes, opening, cost } = await gather(pods, record, startedAt)
    return {
      ...{ recipients, ids, stats, dead, elapsedMs, crash, opening, notes },
      patience: SHARED,
      deliveries: mailServer.deliveries,
      cost: addCosts(cost, costOf(queue)),
      interrupted: interrupt.aborted,
      shared: { workers: pods.map(({ name }) => name), ends: record.ends, startedAt, lookingOn: costOf(onlooker) },
    }
  } finally {
    stall.end()
    end.abort()
    await following.catch(() => {})
    await endAll(pods)
    await Promise.all([queue.close(), onlooker.close()])
  }
}

function begin({ options, place, prefix, mailServer }: Workplace, pods: readonly Pod[]): void {
  const concurrency = Math.max(1, Math.round(options.concurrency / pods.length))
  const shared = { shared: true, patience: SHARED, mailPort: mailServer.port, concurrency, place, prefix }
  for (const { name, journal, process } of pods) process.begin({ ...shared, name, journal })
}

/** Waits for a writer if there is none at the moment. */
async function killWriter(pods: readonly Pod[], signal: AbortSignal): Promise<Crash> {
  const writers = (): Pod | undefined => pods.find(({ process }) => process.isWriter)
  if (writers() === undefined) await Promise.race(pods.map(({ process }) => process.next('promoted', signal)))
  const { name, process } = writers() as Pod
  return { by: name, killedAt: await process.kill() }
}

async function endAll(pods: readonly Pod[]): Promise<void> {
  await Promise.all(pods.map(({ process }) => process.endInOrder()))
}

/** What the processes noted and what the log says, and what they cost before and after the first message. */
async function gather(
  pods: readonly Pod[],
  record: LogRecord,
  startedAt: number,
): Promise<{ readonly notes: Note[]; readonly opening: Cost; readonly cost: Cost }> {
  const journals = await Promise.all(pods.map(({ journal }) => readJournal(journal)))
  let [opening, cost] = [NO_COST, NO_COST]
  for (const journal of journals) {
    const costs = journal.filter((note) => note.kind === 'cost')
    const before = costs.findLast(({ at }) => at <= startedAt)?.cost ?? NO_COST
    opening = addCosts(opening, before)
    cost = addCosts(cost, since(before, costs.at(-1)?.cost ?? NO_COST))
  }
  const logged = record.ends.map(({ kind, id, token, at }): Note => {
    const end = { at, by: 'the log', id, token }
    return kind === 'retried' ? { ...end, kind, why: '' } : { ...end, kind }
  })
  return { notes: [...journals.flat(), ...logged].sort((a, b) => a.at - b.at), opening, cost }
}

function describeProgress({ recipients, mailServer }: Workplace, pods: readonly Pod[], record: LogRecord): string {
  const each = pods.map(
    ({ name, process }) => `${name}${process.isWriter ? ' (writes)' : ''} ${record.settledBy(name)}`,
  )
  const mood = mailServer.isDown ? ', the mail server is down' : ''
  return `${mailServer.deliveries.length} of ${recipients.length} mails accepted; done: ${each.join(', ')}${mood}`
}
