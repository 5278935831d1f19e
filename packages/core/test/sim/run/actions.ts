/** What befalls a world: one table of actions, from which the scenario draws one after the other. */
import type { Random } from '@s3queue/storage'
import type { EnqueueOptions } from '../../../src/index.ts'
import type { ModelMessage } from '../truth/model-message.ts'
import { between, chance, pick, spread, weighted, whole } from '../world/draw.ts'
import type { Stall } from '../world/trap.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'
import type { Crew } from './crew.ts'
import { createHandler } from './handler.ts'
import { askForStats, awaitEnd, drain, enqueue, look, order, type SimEnqueueOptions } from './requests.ts'
import { withVariety } from './variety.ts'
import type { ActionName, Blow } from './weights.ts'

export interface Stage {
  readonly world: World
  readonly crew: Crew
  readonly random: Random
}

type Action = (stage: Stage, process: VirtualProcess) => void

/** What waits longer is not handled often: a run is for messages that live. */
const MOST_WAITING = 60
const MOST_WAITING_EACH = 8

function crash({ world, crew, random }: Stage, process: VirtualProcess): void {
  process.crash()
  world.tally.crashes++
  if (chance(random, 0.8)) startLater(world, crew, random)
}

function pause(stage: Stage, process: VirtualProcess): void {
  const { world, random } = stage
  process.pause()
  world.tally.pauses++
  world.clock.setTimer(spread(random, 20, longestMs(world)), () => goOn(stage, process))
}

/** Whoever uses the process may be the first to notice that it goes on. */
function goOn(stage: Stage, process: VirtualProcess): void {
  const { random, world } = stage
  const what = pick(random, ['stats', 'drain', 'look', 'enqueue'] as const)
  const ask = (): void => {
    if (process.isOpen && !world.isCalm) DOINGS[what](stage, process)
  }
  process.resume(chance(random, 0.5) ? ask : undefined)
}

function loseStore({ world, random }: Stage, process: VirtualProcess): void {
  process.cutLink()
  world.tally.partitions++
  world.clock.setTimer(spread(random, 50, 15_000), () => process.healLink())
}

/** Something befalls the process at a request of a certain kind. */
function lieInWait(stage: Stage, process: VirtualProcess): void {
  const { random, world } = stage
  const { spots, blows } = world.profile
  setTrap(stage, process, weighted(random, spots), weighted(random, blows))
}

function setTrap(stage: Stage, process: VirtualProcess, spot: string, blow: Blow): void {
  const { random, world } = stage
  const moment = blow === 'stall' || blow === 'strand' ? 'request' : pick(random, ['request', 'arrival'] as const)
  process.setTrap({ spot, moment }, () => {
    world.note(process.name, `treads on a trap: ${blow} at the ${moment} of ${spot}`)
    if (blow === 'stall') return drawStall(stage)
    if (blow === 'strand') {
      pause(stage, process)
      return { beforeMs: spread(random, 100, longestMs(world)), afterMs: 0, isLost: false }
    }
    DOINGS[blow](stage, process)
    return undefined
  })
}

function drawStall({ random, world }: Stage): Stall {
  const ms = (): number => (chance(random, 0.5) ? 0 : spread(random, 100, longestMs(world)))
  return { beforeMs: ms(), afterMs: ms(), isLost: chance(random, 0.5) }
}

/** Longer than whatever others wait for. */
function longestMs({ profile }: World): number {
  return 3 * Math.max(profile.takeoverAfterMs, profile.visibilityTimeoutMs, profile.acknowledgeTimeoutMs)
}

function close({ world, crew, random }: Stage, process: VirtualProcess): void {
  if (process.isClosing) return
  void process.close()
  if (chance(random, 0.8)) startLater(world, crew, random)
}

/** Where whoever raises the number of shards is weak. */
const RAISING = { 'put /shards': 3, 'get /shards': 1, 'list /0/': 1, 'put /log/': 2, 'put /writer': 1 } as const

/** Somebody pauses or resumes while others are busy. */
function orderAround({ world, crew, random }: Stage): void {
  for (const wish of pick(random, [['pause'], ['resume'], ['pause', 'resume']] as const)) {
    world.clock.setTimer(spread(random, 1, 1_000), () => {
      const { open } = crew
      if (open.length > 0 && !world.isCalm) void order(world, pick(random, open), wish)
    })
  }
}

/** Each of these is done to one process that is open. */
const DOINGS: Readonly<Record<ActionName, Action>> = {
  enqueue({ world, random }, process) {
    if (world.shards.waiting > Math.max(MOST_WAITING, MOST_WAITING_EACH * world.profile.processes)) return
    const count = chance(random, 0.6) ? 1 : whole(random, 2, 12)
    const options = withHome(world, count, drawEnqueueOptions(random, count))
    void enqueue(
      world,
      process,
      count,
      withVariety(world.stream(`settings/${world.tally.enqueued}`), world.profile.variety, options),
    )
  },
  work({ world, random }, process) {
    if (process.worker === undefined && !process.isServing) startWorker(world, random, process)
  },
  stopWork({ random }, process) {
    void stopWorker(process, spread(random, 10, 3_000))
  },
  restartWork({ world, random }, process) {
    if (process.worker !== undefined && !process.isStopping) void restartWorker(world, random, process)
  },
  stepDown(_, process) {
    void process.call('step down', async () => process.queue.stepDown?.(), ['QUEUE_CLOSED'])
  },
  raise(stage) {
    const { world, crew, random } = stage
    if (!crew.raise()) return
    const process = crew.add()
    if (chance(random, 0.8)) setTrap(stage, process, weighted(random, RAISING), weighted(random, world.profile.blows))
    if (chance(random, 0.5)) startWorker(world, random, process)
    else DOINGS.enqueue(stage, process)
    if (chance(random, 0.7)) orderAround(stage)
  },
  handleOne({ world }, process) {
    if (process.worker !== undefined || process.isServing) return
    process.isServing = true
    const next = (): Promise<boolean> => process.queue.processNext(createHandler(world, process))
    void process.call('handle one', next, ['NOT_ACKNOWLEDGED', 'QUEUE_CLOSED']).finally(() => {
      process.isServing = false
    })
  },
  crash,
  pause,
  loseStore,
  lieInWait,
  setClock({ world, random }, process) {
    process.jumpWall(between(random, -3_600_000, 3_600_000))
    world.tally.clockJumps++
  },
  close,
  start({ world, crew, random }) {
    if (crew.living.length < Math.max(5, world.profile.processes)) startLater(world, crew, random)
  },
  stats({ world }, process) {
    void askForStats(world, process)
  },
  look({ world, random }, process) {
    const { ids } = world.acknowledgements
    if (ids.length > 0) void look(world, process, pick(random, ids))
  },
  drain({ world, random }, process) {
    void drain(world, process, spread(random, 10, 20_000))
  },
  takeBack({ world, random }, process) {
    const active = world.shards.messages().filter(({ status }) => status === 'active')
    if (active.length === 0) return
    const { id } = pick(random, active)
    void order(world, process, chance(random, 0.5) ? { cancel: id } : { release: id })
  },
  redriveSome({ world, random }, process) {
    const ids = someOf(world, random, ['dead'])
    if (ids.length > 0) void order(world, process, { redrive: ids })
  },
  forget({ world, random }, process) {
    const ids = someOf(world, random, ['dead', 'completed'])
    if (ids.length > 0) void order(world, process, { forget: ids })
  },
  awaitEnd({ world, random }, process) {
    const { ids } = world.acknowledgements
    if (ids.length > 0) void awaitEnd(world, process, pick(random, ids.slice(-20)), spread(random, 10, 20_000))
  },
  operate({ world, random }, process) {
    const ids = world.shards
      .messages()
      .slice(-40)
      .map(({ id }) => id)
    const order_ = pick(random, ['pause', 'resume', 'resume', 'purge', 'redrive', 'cancel', 'release'] as const)
    if (order_ !== 'cancel' && order_ !== 'release') return void order(world, process, order_)
    if (ids.length > 0)
      void order(world, process, order_ === 'cancel' ? { cancel: pick(random, ids) } : { release: pick(random, ids) })
  },
}

/** A few ids of messages of which the log says this. */
function someOf(world: World, random: Random, statuses: readonly ModelMessage['status'][]): string[] {
  const found = world.shards.messages().filter(({ status }) => statuses.includes(status))
  return found
    .slice(-whole(random, 1, 20))
    .slice(0, 3)
    .map(({ id }) => id)
}

export function act(name: ActionName, stage: Stage, process: VirtualProcess): void {
  DOINGS[name](stage, process)
}

export function startWorker(world: World, random: Random, process: VirtualProcess): void {
  process.startWorker(createHandler(world, process), {
    concurrency: whole(random, 1, 8),
    autoExtend: chance(random, world.profile.autoExtend),
    maxPrefetch: chance(random, 0.5) ? 0 : 20,
  })
}

async function stopWorker(process: VirtualProcess, timeoutMs: number): Promise<void> {
  const { worker } = process
  if (worker === undefined || process.isStopping) return
  process.stopping = worker
  await process.call(`stop the worker in ${timeoutMs} ms`, () => worker.stop({ timeoutMs }), [
    'NOT_ACKNOWLEDGED',
    'QUEUE_CLOSED',
  ])
  if (process.worker === worker) process.worker = undefined
}

/** Starts another worker as soon as the queue lets it, while the one before may still be leaving. */
async function restartWorker(world: World, random: Random, process: VirtualProcess): Promise<void> {
  void stopWorker(process, spread(random, 10, 3_000))
  do {
    await world.sleep(spread(random, 1, 100))
    if (!process.isOpen || process.isServing || world.isCalm) return
  } while (process.queue.isProcessing)
  if (process.worker === undefined || process.isStopping) startWorker(world, random, process)
}

function startLater(world: World, crew: Crew, random: Random): void {
  const hasWorker = chance(random, 0.7)
  world.clock.setTimer(spread(random, 1, 2_000), () => {
    if (world.isCalm) return
    const { shards, shardsBefore } = crew
    const isOld = shards !== shardsBefore && chance(random, 0.3)
    const process = crew.add({ shards: isOld ? shardsBefore : shards })
    if (hasWorker) startWorker(world, random, process)
  })
}

/** Where there are several shards, many messages have a name or a key that says which is theirs. */
function withHome(world: World, count: number, drawn: EnqueueOptions | undefined): SimEnqueueOptions | undefined {
  if (world.profile.shards === undefined || drawn?.id !== undefined || drawn?.deduplicationKey !== undefined)
    return drawn
  const random = world.stream(`home/${world.tally.enqueued}`)
  const what = weighted(random, { nothing: 4, shardKey: 3, ...(count === 1 ? { id: 2, deduplicationKey: 2 } : {}) })
  return what === 'nothing' ? drawn : { ...drawn, [what]: `n${whole(random, 1, 4)}` }
}

function drawEnqueueOptions(random: Random, count: number): EnqueueOptions | undefined {
  if (chance(random, 0.6)) return undefined
  const options: EnqueueOptions = chance(random, 0.5)
    ? { delayMs: spread(random, 1, 5_000) }
    : { priority: whole(random, -1, 2) }
  if (count > 1 || chance(random, 0.6)) return options
  const name = `n${whole(random, 1, 20)}`
  const deduplicationWindowMs = spread(random, 1, 20_000)
  return chance(random, 0.5)
    ? { ...options, id: name, deduplicationWindowMs }
    : { ...options, deduplicationKey: name, deduplicationWindowMs }
}
