/** Many real processes on one queue in a real bucket, all of them working, killed and paused at random moments. */
import { seededRandom } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createTestBucket } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'
import { readHistory } from './log-history.ts'
import { Pod } from './pod.ts'
import type { Report, Setup } from './queue-process.ts'

const MESSAGES = 5000
const WORKERS = 8
const PRODUCERS = 2
const BATCH = 50

type Handled = Extract<Report, { kind: 'handled' }>

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What all processes told. */
class Evidence {
  readonly acknowledged = new Set<string>()
  readonly handled: Handled[] = []
  readonly promotedAt: number[] = []
  /** As far as any process told. */
  readonly completed = new Set<string>()

  add(report: Report): void {
    if (report.kind === 'acknowledged') for (const id of report.ids) this.acknowledged.add(id)
    else if (report.kind === 'handled') this.handled.push(report)
    else if (report.kind === 'completed') this.completed.add(report.id)
    else if (report.kind === 'promoted') this.promotedAt.push(performance.now())
  }

  /** Handlers of one message that ran at once, although none of them was told to stop. */
  overlaps(): string[] {
    const byMessage = Map.groupBy(
      this.handled.filter(({ disturbed }) => !disturbed),
      ({ id }) => id,
    )
    return [...byMessage.values()].flatMap((runs) => {
      const inOrder = runs.toSorted((a, b) => a.from - b.from)
      return inOrder.flatMap((run, i) => {
        const next = inOrder[i + 1]
        return next !== undefined && next.from < run.to ? [`${run.id}: tokens ${run.token} and ${next.token}`] : []
      })
    })
  }

  /** Writes that a common sink refuses, as one with a higher token came before. */
  refusedBySink(): number {
    const highest = new Map<string, number>()
    let refused = 0
    for (const { id, token } of this.handled.toSorted((a, b) => a.to - b.to)) {
      if (token < (highest.get(id) ?? 0)) refused++
      else highest.set(id, token)
    }
    return refused
  }
}

async function start(setup: Setup, evidence: Evidence): Promise<Pod> {
  const pod = new Pod(setup, (report) => evidence.add(report))
  await pod.next('ready')
  return pod
}

async function statsOf(pod: Pod): Promise<Extract<Report, { kind: 'stats' }>['stats']> {
  const answer = pod.next('stats')
  pod.order({ stats: true })
  return (await answer).stats
}

describeOnS3('a queue whose messages many processes handle', (server) => {
  test(`C100 C101 C102 loses none of ${MESSAGES} messages and records each completion once while pods die and sleep`, {
    timeout: 240_000,
  }, async () => {
    const seed = Number(process.env.E2E_SEED ?? Math.floor(Math.random() * 1e9))
    const random = seededRandom(seed)
    const setup: Setup = {
      ...{ store: await createTestBucket(server), queue: 'pods', coordinated: true, handlerMs: 40 },
      ...{ visibilityTimeoutMs: 2500, takeoverAfterMs: 2000 },
    }
    const evidence = new Evidence()
    const pods = await Promise.all(Array.from({ length: WORKERS }, () => start(setup, evidence)))
    const producers = await Promise.all(Array.from({ length: PRODUCERS }, () => start(setup, evidence)))
    for (const pod of pods) pod.order({ work: 5 })
    const produced = producers.map((producer) => producer.next('produced'))
    for (const producer of producers) producer.order({ produce: MESSAGES / PRODUCERS, batch: BATCH })

    let kills = 0
    let pauses = 0
    const takeOvers: number[] = []
    const disturb = async (): Promise<void> => {
      const writer = pods.findIndex((pod) => pod.isWriter && !pod.paused)
      const at = writer >= 0 && random.next() < 0.4 ? writer : Math.floor(random.next() * pods.length)
      const pod = pods[at] as Pod
      const wasWriter = at === writer
      const gone = performance.now()
      const before = evidence.promotedAt.length
      if (pod.paused) pod.resume()
      else if (random.next() < 0.5) {
        pod.pause()
        pauses++
      } else {
        await pod.kill()
        kills++
        pods[at] = await start(setup, evidence)
        pods[at].order({ work: 5 })
      }
      if (wasWriter) {
        await expect.poll(() => evidence.promotedAt.length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(before)
        takeOvers.push((evidence.promotedAt[before] ?? 0) - gone)
      } else await wait(100 + random.next() * 400)
    }
    for (let round = 0; round < 24; round++) await disturb()
    await Promise.all(produced)
    for (const pod of pods) if (pod.paused) pod.resume()
    const [producer] = producers as [Pod]
    await expect
      .poll(() => statsOf(producer), { timeout: 120_000, interval: 250 })
      .toMatchObject({ waiting: 0, delayed: 0, active: 0 })
    expect(await statsOf(producer)).toMatchObject({ completed: MESSAGES, dead: 0, total: MESSAGES })
    for (const pod of [...pods, ...producers]) await pod.close()

    const { completions, claims, commits, epochs } = await readHistory(setup.store, setup.queue)
    const executions = evidence.handled.length
    console.info(
      `seed ${seed}: ${kills} kills, ${pauses} pauses, ${epochs} epochs, ${commits} commits; ${executions} executions of ${MESSAGES} messages, ` +
        `${executions - new Set(evidence.handled.map(({ id }) => id)).size} more than once, ${evidence.refusedBySink()} refused by the sink; ` +
        `take-overs in ms: ${takeOvers.map((ms) => ms.toFixed(0)).join(', ')}`,
    )
    expect(evidence.acknowledged.size).toBe(MESSAGES)
    expect(completions.size).toBe(MESSAGES)
    expect([...completions].filter(([id, times]) => times !== 1 || !evidence.acknowledged.has(id))).toEqual([])
    expect(claims.size).toBe(MESSAGES)
    expect(evidence.overlaps()).toEqual([])
    expect(kills + pauses).toBeGreaterThan(10)
    expect(takeOvers.length).toBeGreaterThan(2)
  })

  test('C108 a pod that is told to stop finishes what it does, and gives the rest to others at once', {
    timeout: 90_000,
  }, async () => {
    const setup: Setup = {
      ...{ store: await createTestBucket(server), queue: 'sigterm', coordinated: true, handlerMs: 300 },
      ...{ visibilityTimeoutMs: 30_000, takeoverAfterMs: 10_000 },
    }
    const evidence = new Evidence()
    const pods: Pod[] = []
    for (let i = 0; i < 3; i++) {
      const pod = await start(setup, evidence)
      const promoted = i === 0 ? pod.next('promoted') : undefined
      pod.order({ work: 4 })
      await promoted
      pods.push(pod)
    }
    const [writer, leaving, other] = pods as [Pod, Pod, Pod]
    const produced = writer.next('produced')
    writer.order({ produce: 200, batch: 200 })
    await produced
    await expect.poll(() => evidence.handled.length, { timeout: 30_000, interval: 20 }).toBeGreaterThan(40)
    const startedAt = performance.now()
    await leaving.terminate()
    const leftAfter = performance.now() - startedAt
    await expect
      .poll(() => statsOf(writer), { timeout: 25_000, interval: 100 })
      .toMatchObject({ completed: 200, active: 0 })
    const doneAfter = performance.now() - startedAt
    console.info(`the pod left after ${leftAfter.toFixed(0)} ms, all was done after ${doneAfter.toFixed(0)} ms`)
    // Not after the visibility timeout of what it had in hand.
    expect(doneAfter).toBeLessThan(20_000)
    expect(evidence.handled).toHaveLength(200)
    for (const pod of [writer, other]) await pod.close()
  })

  test('batches through the store alone, producer and workers in different processes, share their requests', {
    timeout: 120_000,
  }, async () => {
    const setup: Setup = {
      ...{ store: await createTestBucket(server), queue: 'cheap', coordinated: true, handlerMs: 0 },
      ...{ visibilityTimeoutMs: 30_000, takeoverAfterMs: 10_000 },
    }
    const evidence = new Evidence()
    const pods: Pod[] = []
    for (let i = 0; i < 2; i++) {
      const pod = await start(setup, evidence)
      const promoted = i === 0 ? pod.next('promoted') : undefined
      pod.order({ work: 50 })
      await promoted
      pods.push(pod)
    }
    const producer = await start(setup, evidence)
    const produced = producer.next('produced')
    producer.order({ produce: 5000, batch: BATCH })
    await produced
    await expect.poll(() => evidence.completed.size, { timeout: 60_000, interval: 20 }).toBe(5000)
    const costs = await Promise.all(
      [...pods, producer].map(async (pod) => {
        const answer = pod.next('cost')
        pod.order({ cost: true })
        return answer
      }),
    )
    const perMessage = costs.reduce((sum, { requests }) => sum + requests, 0) / 5000
    console.info(`${perMessage.toFixed(3)} requests a message; ${JSON.stringify(costs.map(({ byKind }) => byKind))}`)
    expect(perMessage).toBeLessThanOrEqual(0.2)
    for (const pod of [...pods, producer]) await pod.close()
  })
})
