/** The course of a run: a time of trouble, then calm, in which everything must come to its end, and a last look at what is left. */
import type { Random } from '@s3queue/storage'
import { assertIdleIsCheap } from '../checks/budget.ts'
import { assertObjectsAreTidy } from '../checks/objects-left.ts'
import { between, chance, pick, weighted } from '../world/draw.ts'
import { must } from '../world/violation.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'
import { act, type Stage, startWorker } from './actions.ts'
import { Crew } from './crew.ts'
import { askForReadings, askForStats, drain, enqueue, listAll, order } from './requests.ts'
import type { Subject } from './subject.ts'
import { LONGEST_BACKOFF_MS, MOST_ATTEMPTS } from './variety.ts'

export async function play(world: World, subject: Subject): Promise<void> {
  const witness = subject.attend?.(world)
  const random = world.stream('scenario')
  const crew = new Crew(world)
  await trouble({ world, crew, random })
  world.becomeCalm()
  await recover(world, crew, random)
  await world.within(boundMs(world), 'the work that is left', settleDown(world, crew), () => describeLeft(world, crew))
  // A request that hangs for longer than the work takes must not land when everybody has gone.
  for (const process of crew.all) await process.landed()
  await finish(world, crew)
  await assertIdleIsCheap(world, crew.living.length, subject.idleRequests)
  await witness?.quiet(crew)
  await leave(world, crew, random)
  await witness?.closed(crew)
}

async function trouble(stage: Stage): Promise<void> {
  const { world, crew, random } = stage
  const { processes, troubleMs, actionEveryMs, actions } = world.profile
  for (let i = 0; i < processes; i++) startAtOnce(stage)
  const end = world.clock.monotonic() + troubleMs
  while (world.clock.monotonic() < end) {
    await world.sleep(-Math.log(1 - random.next()) * actionEveryMs)
    for (const process of crew.open) if (process.isOutdated) act('close', stage, process)
    const { open } = crew
    if (open.length > 0) act(weighted(random, actions), stage, pick(random, open))
    else if (crew.living.length === 0) startWorker(world, random, crew.add())
  }
}

function startAtOnce({ world, crew, random }: Stage): void {
  const process = crew.add()
  const { startWorking } = world.profile
  if (startWorking > 0 && chance(random, startWorking)) startWorker(world, random, process)
}

/** From here on the store answers, all processes that stand still go on, and one at least has a worker. */
async function recover(world: World, crew: Crew, random: Random): Promise<void> {
  for (const process of crew.all) {
    process.network.stop()
    process.healLink()
    await world.sleep(between(random, 0, 500))
    process.resume()
  }
  await leaveOutdated(world, crew)
  if (crew.open.length === 0) crew.add()
  const workers = crew.open.filter(({ worker, isStopping }) => worker !== undefined && !isStopping)
  const [first] = crew.open.filter(({ worker, isServing }) => worker === undefined && !isServing)
  if (workers.length === 0) startWorker(world, random, first ?? crew.add())
  const [operator] = crew.open
  if (operator !== undefined) await world.within(boundMs(world), 'resuming the queue', order(world, operator, 'resume'))
}

/** Whoever says too low a number of shards learns it at the first use, and is closed. */
async function leaveOutdated(world: World, crew: Crew): Promise<void> {
  if (world.profile.shards === undefined) return
  for (const process of crew.open) {
    await world.within(boundMs(world), `getStats() of ${process.name}`, askForStats(world, process))
    if (process.isOutdated) await process.close()
  }
}

/** How long it may take until nothing is left to do: claims of dead processes run out, one attempt after the other. */
function boundMs({ profile }: World): number {
  const { visibilityTimeoutMs, takeoverAfterMs, acknowledgeTimeoutMs, backoff, times, maxPollMs, variety } = profile
  const isVaried = variety !== undefined && variety.settings > 0
  const maxAttempts = Math.max(profile.maxAttempts, isVaried ? MOST_ATTEMPTS : 0)
  const attempt = 3 * visibilityTimeoutMs + Math.max(backoff.maxMs, isVaried ? LONGEST_BACKOFF_MS : 0) + 3_000
  return (
    60_000 +
    4 * takeoverAfterMs +
    (maxAttempts + 1) * attempt +
    2 * acknowledgeTimeoutMs +
    4 * maxPollMs +
    (times.lateMs ?? 0) +
    (profile.shards === undefined ? 0 : 12 * (profile.transport?.heartbeatIntervalMs ?? 0))
  )
}

/** Waits until all requests have landed, all calls are answered, and no message is left. */
async function settleDown(world: World, crew: Crew): Promise<void> {
  const { shards } = world
  for (const process of crew.all) await process.landed()
  const isBusy = (): boolean =>
    shards.isPaused ||
    shards.waiting + shards.active > 0 ||
    shards.unread > 0 ||
    crew.living.some(({ pending }) => pending.size > 0)
  // What was given up on as not acknowledged goes on being tried, at intervals of some seconds.
  for (let quietMs = 0; quietMs < 8_000 && world.violation === undefined; quietMs += 100) {
    if (isBusy()) quietMs = 0
    const [operator] = crew.open
    if (shards.isPaused && operator?.pending.size === 0) {
      assertAllGoOn(world, crew)
      await order(world, operator, 'resume')
    }
    await world.sleep(100)
  }
}

function assertAllGoOn({ shards, homes, pauses }: World, crew: Crew): void {
  if (crew.living.some(({ pending }) => pending.size > 0)) return
  for (const { index, history } of shards) if (index < homes.count) pauses.assertGoesOn(index, history.model.isPaused)
}

function describeLeft({ shards }: World, crew: Crew): string {
  const pending = crew.living.flatMap((process) => [...process.pending])
  const numbers = Array.from(shards, ({ history }) => JSON.stringify(history.moments.at(-1)))
  return `: ${numbers.join(' and ')}, ${shards.unread} objects in the inbox, calls without an answer: ${pending.join(', ')}`
}

/** All get the same answers. */
async function finish(world: World, crew: Crew): Promise<void> {
  const bound = boundMs(world)
  for (const process of crew.open) {
    await world.within(bound, `drain() of ${process.name}`, drainAtLast(world, process))
    await world.within(bound, `getStats() of ${process.name}`, askForStats(world, process))
    await world.within(bound, `readings of ${process.name}`, askForReadings(world, process))
  }
  const [reader] = crew.open
  if (world.profile.shards === undefined || reader === undefined) return
  for (const status of ['completed', 'dead'] as const)
    await world.within(bound, `list() of ${reader.name}`, listAll(world, reader, status))
}

/** Everybody closes, and what is left is looked at. */
async function leave(world: World, crew: Crew, random: Random): Promise<void> {
  const bound = boundMs(world)
  await Promise.all(crew.living.map((process) => world.within(bound, `close() of ${process.name}`, process.close())))
  // What a crashed writer left above the base of the first is found by the second.
  for (let i = 0; i < 2; i++) await tidyUp(world, crew, random)
  world.acknowledgements.assertKept()
  assertObjectsAreTidy(world)
}

/** A request that waits after many failures may keep the first call from being answered in time. */
async function drainAtLast(world: World, process: VirtualProcess): Promise<void> {
  while (!(await drain(world, process)) && world.violation === undefined);
}

/** One more process writes one more snapshot, and deletes what nobody needs. */
async function tidyUp(world: World, crew: Crew, random: Random): Promise<void> {
  const { shards, homes } = world
  const garbage = (): number =>
    Array.from(shards, ({ history }) => history.state.payloadKeys.garbage.size).reduce((a, b) => a + b)
  const bound = boundMs(world)
  const last = crew.add({ snapshotAfterCommits: 1 })
  const count = Math.max(homes.count, crew.shards ?? 1)
  startWorker(world, random, last)
  // Payload objects are deleted some time after a commit.
  for (let round = 0; round < 2 || garbage() > 0; round++) {
    must(round < 20, `${garbage()} payload objects are not deleted`)
    await world.within(bound, 'the last message', enqueue(world, last, count, undefined))
    await world.within(bound, 'the last drain()', drain(world, last))
    await world.sleep(2_000)
  }
  await world.within(bound, 'the last close()', last.close())
}
