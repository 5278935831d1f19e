/** Moments that anybody may wait for, one at a time: whoever waits looks again whether it was the one. */
export class Changes {
  readonly #waiting = new Set<() => void>()

  /** Resolves at the next change, or when the signal is aborted. */
  next(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiting.delete(end)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      signal?.addEventListener('abort', end, { once: true })
      this.#waiting.add(end)
    })
  }

  /** Something has changed. */
  tell(): void {
    for (const end of this.#waiting) end()
  }
}
