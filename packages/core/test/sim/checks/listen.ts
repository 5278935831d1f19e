/** Whatever a queue tells its listeners must be in the log already; and it must not be in trouble that no fault explains. */
import type { AttemptEvent } from '../../../src/index.ts'
import type { QueueEvent } from '../../../src/state/events.ts'
import { must } from '../world/violation.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'

/** Names of events, and how the claims that they speak of ended in the log. */
const ENDS = {
  completed: 'completed',
  retried: 'retried',
  died: 'died',
  snoozed: 'snoozed',
  released: 'released',
  expired: 'expired',
  cancelled: 'cancelled',
} as const satisfies Record<string, QueueEvent['type']>

/** Troubles of the network, of others taking over, of calls that come at the end, and of wrong clocks. */
const EXPLAINED = [
  'STORE_UNAVAILABLE',
  'THROTTLED',
  'UNKNOWN_OUTCOME',
  'FENCED',
  'LEASE_LOST',
  'NOT_ACKNOWLEDGED',
  'QUEUE_CLOSED',
  'NOT_SIGNED_OFF',
  'CLOCK_OFF',
]

export function listenTo(world: World, process: VirtualProcess): void {
  const { queue, name } = process
  for (const [event, end] of Object.entries(ENDS) as [keyof typeof ENDS, QueueEvent['type']][]) {
    queue.on(event, ({ id, fencingToken }: AttemptEvent) => {
      world.check(() => assertEnded(event, end, id, fencingToken))
    })
  }
  const assertEnded = (event: string, end: QueueEvent['type'], id: string, token: number): void => {
    const claim = world.shards.holding(id).history.model.claims.get(token)
    must(
      claim?.end === end,
      `${name} tells that ${id} is ${event} under token ${token}, but in the log it is ${claim?.end}`,
    )
    must(claim.message.id === id, `${name} tells that ${id} is ${event} under token ${token} of ${claim.message.id}`)
  }
  queue.on('enqueued', ({ ids }) =>
    world.check(() => {
      for (const id of ids)
        must(
          world.shards.holding(id).history.model.messages.has(id),
          `${name} tells that ${id} is enqueued, which is not in the log`,
        )
    }),
  )
  queue.on('refused', () => {
    world.tally.refusals++
  })
  queue.on('promoted', ({ epoch }) => world.note(name, `writes, epoch ${epoch}`))
  queue.on('demoted', ({ epoch, reason }) => world.note(name, `writes no more, epoch ${epoch}: ${reason}`))
  queue.on('trouble', ({ error }) => {
    world.note(name, `has trouble: ${String(error)}`)
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (!process.mustRestart(code) && !process.wasRefused(error) && (code === undefined || !EXPLAINED.includes(code)))
      world.violate(new Error(`${name} is in trouble: ${String(error)}`, { cause: error }))
  })
}
