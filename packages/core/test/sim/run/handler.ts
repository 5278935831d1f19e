/** What handlers do: finish at once or take their time, throw, extend their claim, heed their signal or not, and say in every way how it ended. */
import { type Clock, type Random, sleep } from '@s3queue/storage'
import type { Handler, HandlerContext } from '../../../src/index.ts'
import { between, chance, weighted, whole } from '../world/draw.ts'
import type { SimPayload } from '../world/payload.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'

/** One in three attempts says so much that the state does not keep it. */
const LONG_CHARS = 600
const isLong = ({ fencingToken }: HandlerContext): boolean => fencingToken % 3 === 0

/** A handler for the worker of `process`. */
export function createHandler(world: World, process: VirtualProcess): Handler<SimPayload> {
  const random = world.stream(`${process.name}/handlers`)
  return (message, context) => {
    let ended = (_: boolean): void => {}
    world.check(() => {
      ended = world.shards.holding(message.id).handlers.started(process.name, process.gate, message, context)
    })
    world.note(process.name, `handles ${message.id}, attempt ${context.attempt}, token ${context.fencingToken}`)
    const end = (hasReturned: boolean): void => {
      world.tally.handled++
      if (hasReturned) world.returned.add(`${context.fencingToken} ${message.id}`)
      world.highestToken = Math.max(world.highestToken, context.fencingToken)
      world.note(
        process.name,
        `${hasReturned ? 'has handled' : 'fails at'} ${message.id}, token ${context.fencingToken}`,
      )
      ended(hasReturned)
    }
    if (!world.isCalm && chance(random, 0.1)) {
      end(false)
      throw new Error('thrown before anything was awaited'.padEnd(isLong(context) ? LONG_CHARS : 0, '.'))
    }
    const outcome = behave(world, process.handlerClock, random, context)
    outcome.then(
      () => end(true),
      () => end(false),
    )
    return outcome
  }
}

async function behave(world: World, clock: Clock, random: Random, context: HandlerContext): Promise<unknown> {
  const { core, profile } = world
  const { visibilityTimeoutMs } = profile
  const work = (ms: number): Promise<void> => {
    const heeds = chance(random, 0.7)
    return sleep(clock, ms, heeds ? context.signal : undefined)
  }
  const long = visibilityTimeoutMs * between(random, 0.2, 3)
  const ms = world.isCalm || chance(random, 0.5) ? between(random, 0, 50) : long
  const way = world.isCalm ? 'returns' : weighted(random, profile.ways)
  if (way === 'hangs') return hang(world, context)
  if (chance(random, 0.8)) await work(ms)
  if (chance(random, 0.2)) context.progress(whole(random, 0, 100))
  if (chance(random, 0.1)) context.log('so far so good'.padEnd(isLong(context) ? LONG_CHARS : 0, '.'))
  switch (way) {
    case 'returns':
      return chance(random, 0.5) ? undefined : context.attempt
    case 'throws':
      throw new Error('another time perhaps'.padEnd(isLong(context) ? LONG_CHARS : 0, '.'))
    case 'givesUp':
      throw new core.NotRetriable('never'.padEnd(isLong(context) ? LONG_CHARS : 0, '.'))
    case 'snoozes':
      return core.snooze(whole(random, 0, 3_000))
    case 'retries':
      return core.retry({ afterMs: whole(random, 0, 3_000) })
    case 'buries':
      return core.deadLetter('no use')
    case 'extends':
      await context.extend(Math.ceil(visibilityTimeoutMs * between(random, 0.1, 3)))
      await work(long)
      return undefined
  }
}

/** Does not end by itself before it is calm. */
function hang(world: World, { signal }: HandlerContext): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    void world.calm.then(resolve)
  })
}
