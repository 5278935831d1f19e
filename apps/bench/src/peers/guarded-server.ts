/**
 * A server for the time of a run. A shell stands between it and this process and waits for the end of its input: however this process ends, a
 * kill included, the server ends and its directory is removed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** $1 is the directory, $2 the signal that ends the server, the rest the command. Input is at descriptor 3, as a shell takes it from commands in the background. */
const GUARD = `
  exec 3<&0
  directory=$1; signal=$2; shift 2
  "$@" 3<&- & server=$!
  (cat <&3 >/dev/null; kill -s "$signal" "$server" 2>/dev/null) & guard=$!
  wait "$server"; code=$?
  kill "$guard" 2>/dev/null
  rm -rf "$directory"
  exit "$code"`

export interface ServerCommand {
  readonly command: readonly string[]
  /** Where its data is; removed at the end. */
  readonly directory: string
  /** What ends it. */
  readonly signal: 'TERM' | 'INT'
  /** The user it runs as. Default: the one of this process. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

export interface GuardedServer {
  /** Rejects when the server ends, with its last words. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

export function startGuarded({ command, directory, signal, user }: ServerCommand): GuardedServer {
  const child: ChildProcess = spawn('sh', ['-c', GUARD, 'sh', directory, signal, ...command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    cwd: directory,
    // A separate process group: Ctrl-C in a terminal goes to whole groups, and would end the guard before it has cleaned up.
    detached: true,
    ...user,
  })
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000)
  })
  const ended = once(child, 'close')
  const failed = ended.then(
    ([code]) => Promise.reject(new Error(`${command[0]} ended with code ${code}: ${words.trim()}`)),
    (cause: unknown) => Promise.reject(new Error(`${command[0]} could not be started.`, { cause })),
  )
  failed.catch(() => {})
  return {
    failed,
    async stop() {
      child.stdin?.end()
      await ended.catch(() => {})
    },
  }
}
