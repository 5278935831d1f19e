/** Kills, pauses and resumes pods at random, the writer more often than others. Same seed, same choices; when each of them comes is up to the pods' progress. */
import type { Random } from '@s3queue/storage'
import type { Pod } from './pod.ts'
import type { PodEvidence } from './pod-evidence.ts'

/** Far beyond what it takes on a machine that has time for it. */
const TAKE_OVER_LIMIT_MS = 90_000

export interface HavocOptions {
  readonly pods: readonly Pod[]
  /** A fresh pod in the place of one that was killed. */
  readonly restart: () => Promise<Pod>
  readonly evidence: PodEvidence
  readonly random: Random
  /** So many more messages are done until the next round, at most. */
  readonly messagesPerRound: number
  readonly messages: number
}

export class Havoc {
  readonly pods: Pod[]
  kills = 0
  pauses = 0
  readonly takeOversMs: number[] = []
  readonly #options: HavocOptions

  constructor(options: HavocOptions) {
    this.#options = options
    this.pods = [...options.pods]
  }

  async round(): Promise<void> {
    const { evidence, random, messages, messagesPerRound } = this.#options
    const target = evidence.written + Math.floor(random.next() * messagesPerRound)
    await evidence.until('progress', () => evidence.written >= Math.min(target, messages))
    const epoch = evidence.epoch
    const writer = evidence.writers.get(epoch)?.pod
    const at = this.#choose(writer)
    const pod = this.pods[at] as Pod
    if (pod.paused) {
      pod.resume()
      return
    }
    const goneAt = performance.now()
    if (random.next() < 0.5) {
      pod.pause()
      this.pauses++
    } else {
      await pod.kill()
      this.kills++
      this.pods[at] = await this.#options.restart()
    }
    if (pod !== writer) return
    const others = this.pods.filter((each) => !each.paused).length
    const what = `a take-over from the ${pod.paused ? 'paused' : 'killed'} writer of epoch ${epoch}, with ${others} pods awake`
    await evidence.until(what, () => evidence.epoch > epoch, TAKE_OVER_LIMIT_MS)
    this.takeOversMs.push((evidence.writers.get(evidence.epoch)?.at ?? 0) - goneAt)
  }

  /** Lets all go on that are paused. */
  calm(): void {
    for (const pod of this.pods) if (pod.paused) pod.resume()
  }

  #choose(writer: Pod | undefined): number {
    const { random } = this.#options
    const paused = this.pods.flatMap(({ paused }, i) => (paused ? [i] : []))
    // Some must be awake for anything to go on.
    if (paused.length >= this.pods.length / 2) return paused[Math.floor(random.next() * paused.length)] as number
    const at = this.pods.findIndex((pod) => pod === writer && !pod.paused)
    if (at >= 0 && random.next() < 0.4) return at
    return Math.floor(random.next() * this.pods.length)
  }
}
