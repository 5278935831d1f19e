/** Several real processes on one queue in a real bucket, killed and paused at random moments. */
import { seededRandom } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { describeOnS3 } from '../harness/suite.ts'
import { bucketOf } from './places.ts'
import { Pod } from './pod.ts'
import type { Report, Setup } from './queue-process.ts'

const MESSAGES = 2000
const WORKERS = 4

/** What all processes saw, and whether it fits together. */
class Evidence {
  readonly acknowledged = new Set<string>()
  readonly handled = new Map<string, number>()
  /** The token that completed each message. */
  readonly completed = new Map<string, number>()
  readonly tokens = new Map<number, string>()
  readonly counts = { promoted: 0, demoted: 0, refused: 0, expired: 0, died: 0 }

  add(report: Report): void {
    if (report.kind === 'acknowledged') for (const id of report.ids) this.acknowledged.add(id)
    else if (report.kind === 'handled') this.handled.set(report.id, (this.handled.get(report.id) ?? 0) + 1)
    else if (report.kind === 'completed') {
      expect(this.completed.get(report.id), `${report.id} was completed twice`).toBeUndefined()
      this.completed.set(report.id, report.token)
    } else if (report.kind === 'claimed') {
      expect(this.tokens.get(report.token), `token ${report.token} was given out twice`).toBeUndefined()
      this.tokens.set(report.token, report.id)
    } else if (report.kind in this.counts) this.counts[report.kind as keyof typeof this.counts]++
  }
}

describeOnS3('a queue shared by processes that die', (server) => {
  test(`loses none of ${MESSAGES} messages, lets no two valid claims meet, and records each completion once`, {
    timeout: 180_000,
  }, async () => {
    const seed = Number(process.env.E2E_SEED ?? Math.floor(Math.random() * 1e9))
    const random = seededRandom(seed)
    const setup: Setup = {
      place: await bucketOf(server),
      queue: 'chaos',
      visibilityTimeoutMs: 1500,
      takeoverAfterMs: 1200,
    }
    const evidence = new Evidence()
    const start = async (): Promise<Pod> => {
      const pod = new Pod(setup, (report) => evidence.add(report))
      await pod.next('ready')
      return pod
    }
    const pods = await Promise.all(Array.from({ length: WORKERS }, start))
    const producer = await start()
    for (const pod of pods) pod.order({ work: 5 })
    const produced = producer.next('produced')
    producer.order({ produce: MESSAGES, batch: 25 })

    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    const stats = async (): Promise<Extract<Report, { kind: 'stats' }>['stats']> => {
      const answer = producer.next('stats')
      producer.order({ stats: true })
      return (await answer).stats
    }
    let kills = 0
    let pauses = 0
    const disturb = async (): Promise<void> => {
      const writer = pods.findIndex((pod) => pod.isWriter && !pod.paused)
      const at = writer >= 0 && random.next() < 0.5 ? writer : Math.floor(random.next() * pods.length)
      const pod = pods[at] as Pod
      if (pod.paused) pod.resume()
      else if (random.next() < 0.5) {
        pod.pause()
        pauses++
      } else {
        await pod.kill()
        kills++
        pods[at] = await start()
        pods[at].order({ work: 5 })
      }
      await wait(200 + random.next() * 800)
    }
    for (let round = 0; round < 25; round++) await disturb()
    await produced
    for (const pod of pods) if (pod.paused) pod.resume()
    await expect.poll(stats, { timeout: 90_000, interval: 250 }).toMatchObject({ waiting: 0, delayed: 0, active: 0 })

    const { promoted, refused, expired } = evidence.counts
    console.info(
      `seed ${seed}: ${kills} kills, ${pauses} pauses, ${promoted} take-overs, ${expired} expiries, ${refused} refused settlements`,
    )
    expect(await stats()).toEqual({ waiting: 0, delayed: 0, active: 0, completed: MESSAGES, dead: 0, total: MESSAGES })
    expect(evidence.acknowledged.size).toBe(MESSAGES)
    for (const id of evidence.acknowledged)
      expect(evidence.handled.has(id), `${id} was handled (seed ${seed})`).toBe(true)
    for (const [token, id] of evidence.tokens) {
      const completedBy = evidence.completed.get(id)
      if (completedBy !== undefined)
        expect(token, `a claim on ${id} after its completion (seed ${seed})`).toBeLessThanOrEqual(completedBy)
    }
    expect(kills + pauses).toBeGreaterThan(10)
    expect(promoted).toBeGreaterThan(3)
    for (const pod of [...pods, producer]) await pod.close()
  })

  test('hands over at once when the writer closes', { timeout: 60_000 }, async () => {
    const setup: Setup = {
      place: await bucketOf(server),
      queue: 'handover',
      visibilityTimeoutMs: 30_000,
      takeoverAfterMs: 3000,
    }
    const evidence = new Evidence()
    const first = new Pod(setup, (report) => evidence.add(report))
    await first.next('ready')
    const promoted = first.next('promoted')
    first.order({ work: 2 })
    await promoted
    const second = new Pod(setup, (report) => evidence.add(report))
    await second.next('ready')
    const promotedToo = second.next('promoted')
    second.order({ work: 2 })
    await first.close()
    const closedAt = performance.now()
    await promotedToo
    // The standby looks at least three times per takeoverAfterMs.
    expect(performance.now() - closedAt).toBeLessThan(1500)
    await second.close()
  })
})
