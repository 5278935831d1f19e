/** What the users of a queue ask for, each with the check of its answer. */
import type { EnqueueOptions } from '../../../src/index.ts'
import { assertInLog } from '../checks/look-check.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'

const IN_TIME = ['NOT_ACKNOWLEDGED', 'QUEUE_CLOSED']

/** Messages with payloads that no others have; options for each or none. */
export async function enqueue(
  world: World,
  process: VirtualProcess,
  count: number,
  options: EnqueueOptions | undefined,
): Promise<void> {
  const payloads = Array.from({ length: count }, () => nextPayload(world))
  const answer = await process.call(
    `enqueue ${payloads.join(' ')} ${options ? JSON.stringify(options) : ''}`,
    async () =>
      count === 1
        ? [await process.queue.enqueue(payloads[0] ?? '', options)]
        : process.queue.enqueueMany(payloads, options),
    IN_TIME,
  )
  world.check(() => {
    for (const [i, { id }] of answer?.entries() ?? []) {
      const hasName = options?.id !== undefined || options?.deduplicationKey !== undefined
      world.acknowledgements.acknowledged(process.name, id, hasName ? undefined : JSON.stringify(payloads[i]))
    }
  })
}

/** Some are large enough for an object of their own, where the limit is low. */
function nextPayload({ tally }: World): string {
  const number = ++tally.enqueued
  return number % 3 === 0 ? `message-number-${number}` : `m${number}`
}

/** A message that was acknowledged is known, unless somebody removed it; and what is told of it is in the log. */
export async function look(world: World, process: VirtualProcess, id: string): Promise<void> {
  const found = await process.call(`look at ${id}`, async () => ({ message: await process.queue.get(id) }), IN_TIME)
  if (found === undefined) return
  const { message } = found
  world.check(() => {
    if (message === undefined) world.acknowledgements.notFound(process.name, id)
    else assertInLog(world.history.model, process.name, message)
  })
}

export async function askForStats(world: World, process: VirtualProcess): Promise<void> {
  const beginning = world.statistics.begin(world.clock.monotonic())
  const stats = await process.call('statistics', () => process.queue.getStats(), IN_TIME)
  if (stats === undefined) return
  world.tally.stats++
  world.check(() => world.statistics.end(process.name, beginning, stats))
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
  | { readonly cancel: string }
  | { readonly release: string }

export async function order(process: VirtualProcess, what: Order): Promise<void> {
  const { queue } = process
  await process.call(
    `order ${JSON.stringify(what)}`,
    async () => {
      if (typeof what === 'string') await queue[what]()
      else if ('cancel' in what) await queue.cancel(what.cancel)
      else await queue.release(what.release)
    },
    IN_TIME,
  )
}
