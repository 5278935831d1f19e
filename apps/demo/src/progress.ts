/** What can be seen while the demo works, and what notices when nothing happens any more. */

/** Shows `line()` until the function that it returns is called. */
export type ShowProgress = (line: () => string) => () => void

interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** One line that is drawn again and again on a terminal; a line now and then where the output goes elsewhere. */
export function createProgress(output: Terminal): ShowProgress {
  const drawsOver = output.isTTY === true
  return (line) => {
    let shown = ''
    const show = (): void => {
      const next = line()
      if (next === shown) return
      shown = next
      output.write(drawsOver ? `\r\x1b[2K${next}` : `${next}\n`)
    }
    const timer = setInterval(show, drawsOver ? 100 : 1000)
    return () => {
      clearInterval(timer)
      if (drawsOver) output.write('\r\x1b[2K')
    }
  }
}

const STALLED_AFTER_MS = 60_000

/** Aborts its signal when `count()` has not changed for a minute. */
export function watchForStall(count: () => number): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  let last = count()
  let changedAt = performance.now()
  const timer = setInterval(() => {
    const now = count()
    if (now !== last) [last, changedAt] = [now, performance.now()]
    else if (performance.now() - changedAt > STALLED_AFTER_MS)
      controller.abort(new Error(`Nothing has happened for ${STALLED_AFTER_MS / 1000} seconds, with messages left.`))
  }, 1000)
  return { signal: controller.signal, end: () => clearInterval(timer) }
}
