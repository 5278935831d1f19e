/** Many processes on one queue in a place of any kind, killed and paused at random; afterwards the whole log and all that the processes told must fit together. */
import { seededRandom } from '@s3queue/storage'
import { expect } from 'vitest'
import { Havoc } from './havoc.ts'
import { describeHavoc } from './havoc-report.ts'
import { readHistory } from './log-history.ts'
import type { Place } from './place.ts'
import { Pod } from './pod.ts'
import { PodEvidence } from './pod-evidence.ts'
import type { Report, Setup } from './queue-process.ts'

export interface Torture {
  /** Of the processes. */
  readonly place: Place
  /** Where to read what really happened, if the processes reach their place through something faulty. Default: `place`. */
  readonly direct?: Place
  readonly queue: string
  readonly seed: number
  readonly messages: number
  readonly workers: number
  readonly producers: number
  readonly rounds: number
  /** How long the rest may take once the last process has been killed or paused, in ms. */
  readonly restMs: number
}

export async function startPod(setup: Setup, evidence: PodEvidence): Promise<Pod> {
  const pod = new Pod(setup, (report, from) => evidence.add(from, report))
  await pod.next('ready')
  return pod
}

function statsOf(pod: Pod): Promise<Extract<Report, { kind: 'stats' }>['stats']> {
  const answer = pod.next('stats')
  pod.order({ stats: true })
  return answer.then(({ stats }) => stats)
}

/** Resolves to what the havoc came to. Asserts that nothing was lost or made up, that each message has one completion, and that no two valid claims met. */
export async function torture({ seed, messages, rounds, ...options }: Torture): Promise<Havoc> {
  const takeoverAfterMs = 2000
  const { place, direct = place, queue } = options
  const setup: Setup = { place, queue, coordinated: true, handlerMs: 60, visibilityTimeoutMs: 2500, takeoverAfterMs }
  const evidence = new PodEvidence()
  const startWorker = async (): Promise<Pod> => {
    const pod = await startPod(setup, evidence)
    pod.order({ work: 5 })
    return pod
  }
  const workers = await Promise.all(Array.from({ length: options.workers }, startWorker))
  const producers = await Promise.all(Array.from({ length: options.producers }, () => startPod(setup, evidence)))
  const produced = producers.map((producer) => producer.next('produced'))
  for (const producer of producers) producer.order({ produce: messages / options.producers, batch: 50 })

  const havoc = new Havoc({
    ...{ pods: workers, restart: startWorker, evidence, random: seededRandom(seed) },
    ...{ messages, messagesPerRound: (2 * messages) / rounds },
  })
  for (let round = 0; round < rounds; round++) await havoc.round()
  await Promise.all(produced)
  havoc.calm()
  const [producer] = producers as [Pod]
  await expect
    .poll(() => statsOf(producer), { timeout: options.restMs, interval: 250 })
    .toMatchObject({ waiting: 0, delayed: 0, active: 0 })
  expect(await statsOf(producer)).toMatchObject({ completed: messages, dead: 0, total: messages })
  await askForCost([...havoc.pods, ...producers])
  for (const pod of [...havoc.pods, ...producers]) await pod.close()

  const history = await readHistory(direct, queue)
  const { completions, claims } = history
  console.info(describeHavoc({ seed, messages, takeoverAfterMs, havoc, evidence, history }))
  // Nothing lost, nothing made up, each completion once, and by a claim that somebody worked on to the end.
  expect(evidence.acknowledged.size).toBe(messages)
  expect(new Set(completions.keys())).toEqual(evidence.acknowledged)
  for (const [id, tokens] of completions) {
    expect(tokens, `completions of ${id}`).toHaveLength(1)
    expect(evidence.executions.get(tokens[0] as number)).toMatchObject({ id, ended: true })
  }
  // No handler ran without a claim in the log, and no two that could believe in theirs ran at once.
  for (const { id, token } of evidence.executions.values()) expect(claims.get(token), `token ${token}`).toBe(id)
  expect(evidence.overlaps()).toEqual([])
  return havoc
}

async function askForCost(pods: readonly Pod[]): Promise<void> {
  await Promise.all(
    pods.map((pod) => {
      const answer = pod.next('cost')
      pod.order({ cost: true })
      return answer
    }),
  )
}

/** `E2E_SEED` repeats a run, as far as real processes can be repeated. */
export function seedOfRun(): number {
  const seed = Number(process.env.E2E_SEED ?? Math.floor(Math.random() * 1e9))
  console.info(`seed ${seed}`)
  return seed
}
