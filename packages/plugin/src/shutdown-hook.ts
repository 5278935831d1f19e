/**
 * What happens on SIGTERM. s3db.js ends the process by itself, from two places: its process manager, which waits for those who are registered with
 * it, and its cron manager, which waits for nobody. Left alone, the second one cuts off whatever handlers are at. So the first is told to wait,
 * and the second not to end the process; its jobs it stops all the same.
 */
import type { PluginDatabase } from './plugin-database.ts'

/** Of the time that the process manager gives, so much is for handlers; the rest is for handing over what they did not finish. */
const SHARE = 0.8
const LIBRARY_TIMEOUT_MS = 30_000

/** Calls `stop` when the process is told to end, with how long handlers may take, and all of it. What is returned undoes it. */
export function onShutdown(
  { processManager, cronManager }: PluginDatabase,
  name: string,
  stop: (handlersMs: number, totalMs: number) => Promise<void>,
): () => void {
  if (processManager == null || processManager.isShuttingDown) return () => {}
  const { shutdownTimeout = LIBRARY_TIMEOUT_MS } = processManager.options ?? {}
  if (cronManager?.options !== undefined) cronManager.options.exitOnSignal = false
  processManager.registerCleanup(() => stop(Math.floor(SHARE * shutdownTimeout), shutdownTimeout), name)
  return () => processManager.unregisterCleanup(name)
}
