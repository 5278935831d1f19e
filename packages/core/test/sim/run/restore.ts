/**
 * The course of a run in which the store is emptied, or set back to an earlier state, under running processes: those that know more than it holds must notice. Then an operator
 * stops them all, restores the store in order, accepts that, and starts new ones.
 */
import type { Random } from '@s3queue/storage'
import { chance, pick } from '../world/draw.ts'
import { must } from '../world/violation.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'
import { act, startWorker } from './actions.ts'
import { Crew } from './crew.ts'
import { enqueue } from './requests.ts'

export async function playRestore(world: World): Promise<void> {
  const random = world.stream('scenario')
  const crew = new Crew(world)
  const { processes, troubleMs, takeoverAfterMs } = world.profile
  for (let i = 0; i < processes; i++) startWorker(world, random, crew.add())
  await busy(world, crew, random, troubleMs)
  const copy = chance(random, 0.3) ? new Map() : world.objects.snapshot()
  const copied = world.objects.snapshot()
  // Long enough for all to learn from the lease that the log has grown since.
  await busy(world, crew, random, 3 * takeoverAfterMs + 5_000)
  const known = world.shards.first.history.head
  const noticed = watchFor(crew.open)
  const before = crew.open
  await world.restore(copy)
  if (chance(random, 0.5)) startWorker(world, random, crew.add())
  await busy(world, crew, random, 4 * takeoverAfterMs + 20_000)
  for (const process of before) {
    must(noticed.has(process), `${process.name} does not notice that the log it knows up to slot ${known} was replaced`)
  }
  for (const process of crew.living) process.crash()
  await restoreInOrder(world, crew, random, copied)
}

/** Messages are enqueued by any process that takes them. */
async function busy(world: World, crew: Crew, random: Random, ms: number): Promise<void> {
  const { actionEveryMs } = world.profile
  const end = world.clock.monotonic() + ms
  while (world.clock.monotonic() < end) {
    await world.sleep(-Math.log(1 - random.next()) * actionEveryMs)
    const process = pick(random, crew.open)
    if (world.restored === undefined) act('enqueue', { world, crew, random }, process)
    else void enqueue(world, process, 1, undefined)
  }
}

/** Where a writer has appended behind the gap before it noticed, others see that gap. */
const NOTICED: readonly unknown[] = ['LOG_REPLACED', 'CORRUPT_OBJECT']

/** The processes that report that their log was replaced, from now on. */
function watchFor(processes: readonly VirtualProcess[]): ReadonlySet<VirtualProcess> {
  const noticed = new Set<VirtualProcess>()
  for (const process of processes) {
    process.queue.on('trouble', ({ error }) => {
      if (error instanceof Error && 'code' in error && NOTICED.includes(error.code)) noticed.add(process)
    })
  }
  return noticed
}

async function restoreInOrder(
  world: World,
  crew: Crew,
  random: Random,
  copy: ReturnType<World['objects']['snapshot']>,
): Promise<void> {
  // Requests of the processes that were stopped do not land in the restored store.
  for (const process of crew.all) await process.landed()
  world.becomeCalm()
  await world.restore(copy)
  const { highestToken } = world
  const operator = crew.add()
  const first = await world.within(120_000, 'acceptRestore()', operator.queue.acceptRestore())
  must(first > highestToken, `claims after a restore begin with token ${first}, and ${highestToken} was used`)
  startWorker(world, random, operator)
  await enqueue(world, operator, 5, undefined)
  await world.within(600_000, 'drain() of a restored queue', operator.queue.drain())
  const { waiting, active } = await world.within(60_000, 'getStats()', operator.queue.getStats())
  must(waiting + active === 0, `${waiting} messages wait and ${active} are active after a drain`)
  must((world.restored?.completed ?? 0) > 0, 'nothing is completed in a restored log')
  await world.within(60_000, 'close()', operator.queue.close())
}
