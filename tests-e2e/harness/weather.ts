/** A bad network and a busy server, at random: what the fault proxy does to some of the requests that go through it. */
import type { Random } from '@s3queue/storage'
import type { Fault } from './faults.ts'

/** Share of the requests that meet each fault. */
const SHARES: readonly (readonly [Fault['kind'], number])[] = [
  ['drop-response', 0.02],
  ['drop-request', 0.01],
  ['send-twice', 0.02],
  ['hold', 0.03],
  ['answer', 0.02],
  ['cut-body', 0.005],
]
/** How long a request is held at most, in ms. */
const HOLD_MS = 1500

/** One request in ten meets a fault: it is applied and its answer lost, lost itself, sent twice, held for a while, refused with 503, or its answer breaks off. */
export function badWeather(random: Random): () => Fault | undefined {
  return () => {
    let draw = random.next()
    for (const [kind, share] of SHARES) {
      if (draw < share) return faultOf(kind, random)
      draw -= share
    }
    return undefined
  }
}

function faultOf(kind: Fault['kind'], random: Random): Fault {
  if (kind === 'hold') return { kind, until: new Promise((resolve) => setTimeout(resolve, random.next() * HOLD_MS)) }
  if (kind === 'answer') return { kind, status: 503, applied: random.next() < 0.5 }
  if (kind === 'cut-body') return { kind, afterBytes: 10 }
  return { kind }
}
