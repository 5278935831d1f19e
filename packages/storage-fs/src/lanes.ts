/** Runs `work` for every item, `width` at a time. Stops beginning new ones after a failure, which it throws once all have ended. */
export async function inLanes<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    for (const item of queue) {
      if (failure !== undefined) return
      await work(item).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  if (failure !== undefined) throw failure.error
}
