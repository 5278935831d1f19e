/** Signals of the operating system that ask a process to end, as an injected port. */

/** `SIGINT`: Ctrl-C. `SIGTERM`: `kill`, `docker stop`, Kubernetes, systemd. */
export type EndSignal = 'SIGINT' | 'SIGTERM'

/** What a shell reports of a process that a signal has ended: 128 and the signal's number. */
export const SIGNAL_EXIT_CODES: Readonly<Record<EndSignal, number>> = { SIGINT: 130, SIGTERM: 143 }

export interface Signals {
  /** Calls `listener` for each such signal, which then does not end the process by itself. The function that is returned ends that. */
  listen(listener: (signal: EndSignal) => void): () => void
  /** Whether other code of this process listens to this signal. */
  hasListeners(signal: EndSignal): boolean
  /** Sends the signal to this process. Without a listener it ends the process. */
  raise(signal: EndSignal): void
  /** Ends this process immediately. */
  exit(code: number): void
}
