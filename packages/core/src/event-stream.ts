/** Events as an async iteration, with a bounded buffer between the queue and a reader that takes its time. */
import type { EventHub, QueueEventName, QueueEvents } from './events.ts'

/** One event with its name. */
export type NamedEvent = {
  readonly [N in QueueEventName]: { readonly name: N; readonly event: QueueEvents[N] }
}[QueueEventName]

/** Events that may wait to be read. One more, and the iteration ends with an error rather than with a gap. */
const BUFFER = 10_000

/** Events of these names from now on, until `signal` is aborted, the loop is left, or the queue is closed. */
export async function* streamEvents(
  hub: Pick<EventHub, 'on'>,
  names: readonly QueueEventName[],
  signals: readonly AbortSignal[],
): AsyncGenerator<NamedEvent, void, void> {
  const buffer: NamedEvent[] = []
  let wake = (): void => {}
  const end = AbortSignal.any([...signals])
  const onEnd = (): void => wake()
  end.addEventListener('abort', onEnd)
  const offs = names.map((name) =>
    hub.on(name, (event) => {
      buffer.push({ name, event } as NamedEvent)
      wake()
    }),
  )
  try {
    while (true) {
      if (buffer.length > BUFFER)
        throw new RangeError(`More than ${BUFFER} events wait to be read: the loop over events() is too slow.`)
      const next = buffer.shift()
      if (next !== undefined) yield next
      else if (end.aborted) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    end.removeEventListener('abort', onEnd)
    for (const off of offs) off()
  }
}
