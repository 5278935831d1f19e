/** Several iterations as one, in the order in which things come. Nobody reads ahead by more than one. */

/** `begin` is called once with the ways to add an iteration, also later, and to fail; it returns what ends the adding. `signal` ends all of it. */
export async function* merged<E>(
  begin: (add: (source: AsyncIterable<E>) => void, fail: (error: unknown) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<E, void, void> {
  const waiting: { readonly event: E; readonly taken: () => void }[] = []
  let failure: { readonly error: unknown } | undefined
  let isOver = false
  let wake = (): void => {}
  const end = (): void => wake()
  const fail = (error: unknown): void => {
    failure ??= { error }
    wake()
  }
  const pump = async (source: AsyncIterable<E>): Promise<void> => {
    try {
      for await (const event of source) {
        if (isOver) return
        await new Promise<void>((taken) => {
          waiting.push({ event, taken })
          wake()
        })
      }
    } catch (error) {
      fail(error)
    }
  }
  const stop = begin((source) => void pump(source), fail)
  signal.addEventListener('abort', end, { once: true })
  try {
    while (true) {
      const next = waiting.shift()
      if (next !== undefined) {
        yield next.event
        next.taken()
      } else if (failure !== undefined) throw failure.error
      else if (signal.aborted) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    isOver = true
    stop()
    signal.removeEventListener('abort', end)
    for (const { taken } of waiting) taken()
  }
}
