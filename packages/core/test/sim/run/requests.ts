/** What the users of a queue ask for, each with the check of its answer. */
import type { EnqueueOptions } from '../../../src/index.ts'
import { shardOf } from '../../../src/shard/index.ts'
import { assertEnded, assertInLog, assertListed } from '../checks/look-check.ts'
import { chance } from '../world/draw.ts'
import { type SimPayload, textOf } from '../world/payload.ts'
import { isRefusal } from '../world/refusals.ts'
import { must } from '../world/violation.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'

const IN_TIME = ['NOT_ACKNOWLEDGED', 'QUEUE_CLOSED']

/** `shardKey`: where there are several shards. */
export type SimEnqueueOptions = EnqueueOptions & { readonly shardKey?: string | undefined }

/** Messages with payloads that no others have; options for each or none. */
export async function enqueue(
  world: World,
  process: VirtualProcess,
  count: number,
  options: SimEnqueueOptions | undefined,
): Promise<void> {
  const payloads = Array.from({ length: count }, () => nextPayload(world))
  const answer = await process.call(
    `enqueue ${payloads.join(' ')} ${options ? JSON.stringify(options) : ''}`,
    async () => {
      try {
        return count === 1
          ? [await process.queue.enqueue(payloads[0] ?? '', options)]
          : await process.queue.enqueueMany(payloads, options)
      } catch (error) {
        if (isRefusal(error)) world.acknowledgements.refused(process.name, payloads.map(textOf))
        throw error
      }
    },
    IN_TIME,
  )
  world.check(() => {
    for (const [i, { id }] of answer?.entries() ?? []) {
      const hasName = options?.id !== undefined || options?.deduplicationKey !== undefined
      world.acknowledgements.acknowledged(process.name, id, hasName ? undefined : textOf(payloads[i]))
      if (options?.shardKey !== undefined) world.homes.keyed(options.shardKey, shardOf(id) ?? 0)
    }
  })
}

/** Some are large enough for an object of their own, where the limit is low. */
function nextPayload(world: World): SimPayload {
  const number = ++world.tally.enqueued
  const text = number % 3 === 0 ? `message-number-${number}` : `m${number}`
  const { variety } = world.profile
  const isBytes = variety !== undefined && chance(world.stream(`payload/${number}`), variety.bytes)
  return isBytes ? new TextEncoder().encode(text) : text
}

/** Waits for the end of a message, but not for ever; what it is told is in the log. */
export async function awaitEnd(world: World, process: VirtualProcess, id: string, mostMs: number): Promise<void> {
  const giveUp = new AbortController()
  const cancel = process.handlerClock.setTimer(mostMs, () => giveUp.abort(new Error('has waited long enough')))
  const ask = (): Promise<Told | 'not yet'> =>
    process.queue.waitFor(id, { signal: giveUp.signal }).then(
      (result) => ({ end: 'completed', result }),
      (error: unknown) => {
        if (error === giveUp.signal.reason) return 'not yet'
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        if (code === 'MESSAGE_DIED') return { end: 'died' }
        if (code === 'MESSAGE_NOT_FOUND') return { end: 'gone' }
        throw error
      },
    )
  const told = await process.call(`wait for ${id}`, ask, IN_TIME)
  cancel()
  if (told === undefined || told === 'not yet') return
  world.tally.ends++
  world.check(() => {
    if (told.end === 'gone') world.acknowledgements.notFound(process.name, id)
    else assertEnded(world.shards.holding(id).history.model, process.name, id, told.end, told.result)
  })
}

interface Told {
  readonly end: 'completed' | 'died' | 'gone'
  readonly result?: unknown
}

/** A message that was acknowledged is known, unless somebody removed it; and what is told of it is in the log. */
export async function look(world: World, process: VirtualProcess, id: string): Promise<void> {
  const found = await process.call(`look at ${id}`, async () => ({ message: await process.queue.get(id) }), IN_TIME)
  if (found === undefined) return
  const { message } = found
  world.check(() => {
    if (message === undefined) world.acknowledgements.notFound(process.name, id)
    else assertInLog(world.shards.holding(id).history.model, process.name, message)
  })
}

export async function askForStats(world: World, process: VirtualProcess): Promise<void> {
  const beginning = world.statistics.begin(world.clock.monotonic())
  const stats = await process.call('statistics', () => process.queue.getStats(), IN_TIME)
  if (stats === undefined) return
  world.tally.stats++
  world.check(() => world.statistics.end(process.name, beginning, stats))
}

/** Readings of a queue in which nothing is left to do and nobody asks for anything: they are the same in every process. */
export async function askForReadings(world: World, process: VirtualProcess): Promise<void> {
  const ask = async (): Promise<{ isPaused: boolean; age: number | undefined }> => {
    const isPaused = await process.queue.isPaused()
    return { isPaused, age: await process.queue.getOldestAge() }
  }
  const readings = await process.call('readings', ask, IN_TIME)
  if (readings === undefined) return
  const { isPaused, age } = readings
  world.check(() => {
    must(
      isPaused === world.shards.isPaused,
      `${process.name} is told that the queue ${isPaused ? 'is' : 'is not'} paused`,
    )
    must(age === undefined, `${process.name} is told that a message has waited for ${age} ms, though none waits`)
  })
}

/** All messages of a status, page by page: each that the log tells of, once. */
export async function listAll(world: World, process: VirtualProcess, status: 'completed' | 'dead'): Promise<void> {
  const listed: string[] = []
  let after: string | undefined
  do {
    const page = await process.call(`list ${status}`, () => process.queue.list({ status, after, limit: 7 }), IN_TIME)
    if (page === undefined) return
    listed.push(...page.messages.map(({ id }) => id))
    after = page.next
  } while (after !== undefined)
  world.check(() => assertListed(world.shards.messages(), process.name, status, listed))
}

export async function drain(world: World, process: VirtualProcess, deadlineMs?: number): Promise<boolean> {
  const beginning = world.statistics.begin(world.clock.monotonic())
  const result = await process.call(
    `drain ${deadlineMs ?? ''}`,
    () => process.queue.drain(deadlineMs === undefined ? {} : { deadlineMs }),
    IN_TIME,
  )
  if (result?.drained !== true) return false
  world.check(() => world.statistics.endDrained(process.name, beginning))
  return true
}

/** What an operator may ask for. */
export type Order =
  | 'pause'
  | 'resume'
  | 'purge'
  | 'redrive'
  | { readonly redrive: readonly string[] }
  | { readonly forget: readonly string[] }
  | { readonly cancel: string }
  | { readonly release: string }

export async function order(world: World, process: VirtualProcess, what: Order): Promise<void> {
  const { queue } = process
  const done = what === 'pause' || what === 'resume' ? world.pauses.asked(what) : undefined
  const isDone = await process.call(
    `order ${JSON.stringify(what)}`,
    async () => {
      if (typeof what === 'string') await queue[what]()
      else if ('redrive' in what) await queue.redrive(what.redrive)
      else if ('forget' in what) await queue.forget(what.forget)
      else if ('cancel' in what) await queue.cancel(what.cancel)
      else await queue.release(what.release)
      return true
    },
    IN_TIME,
  )
  if (isDone === true) done?.()
}
