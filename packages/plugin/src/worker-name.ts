import type { Ids } from '@s3queue/storage'

/** What all workers of a plugin are called, before their unique suffix: the pod or host they run on, and something no other process has. */
export function workerName(env: Readonly<Record<string, string | undefined>>, ids: Ids): string {
  const host = (env.POD_NAME || env.HOSTNAME || '')
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^\.+/, '')
    .slice(0, 50)
  return host === '' ? ids.nonce(6) : `${host}.${ids.nonce(6)}`
}
