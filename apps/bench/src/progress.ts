/** A line that says what is going on: rewritten in place on a terminal, one line for each row elsewhere. */
export interface Progress {
  /** A new row begins. */
  row(name: string): void
  /** What that row is doing. */
  step(text: string): void
  /** Nothing is going on any more. */
  done(): void
  /** A line that stays. */
  note(text: string): void
}

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

const CLEAR_LINE = '\r\u001b[2K'

export function createProgress(output: ProgressOutput): Progress {
  const isTerminal = output.isTTY === true
  let current = ''
  return {
    row(name) {
      current = name
      output.write(isTerminal ? `${CLEAR_LINE}${name}` : `${name}\n`)
    },
    step(text) {
      if (isTerminal) output.write(`${CLEAR_LINE}${current}: ${text}`)
    },
    done() {
      if (isTerminal) output.write(CLEAR_LINE)
    },
    note(text) {
      output.write(isTerminal ? `${CLEAR_LINE}${text}\n` : `${text}\n`)
    },
  }
}
