/** A line that says what is being measured: rewritten in place on a terminal, elsewhere a line every ten seconds. */
const EVERY_MS = 10_000
const CLEAR_LINE = '\r\u001b[2K'

export interface Progress {
  /** Something else is measured from now on. What is returned tells how far that is. */
  begin(what: string): (step: string) => void
  end(): void
}

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

export function createProgress(output: ProgressOutput, now: () => number): Progress {
  const isTerminal = output.isTTY === true
  const startedAt = now()
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    begin(what) {
      toldAt = Number.NEGATIVE_INFINITY
      return (step) => {
        if (!isTerminal && now() - toldAt < EVERY_MS) return
        toldAt = now()
        const line = `${what}: ${step} (${((now() - startedAt) / 1000).toFixed(0)} s)`
        output.write(isTerminal ? `${CLEAR_LINE}${line}` : `${line}\n`)
      }
    },
    end() {
      if (isTerminal) output.write(CLEAR_LINE)
    },
  }
}
