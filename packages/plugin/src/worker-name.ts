/** What a worker is called, before its unique suffix: the pod or host it runs on. */
export function workerName(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const name = (env.POD_NAME || env.HOSTNAME || '')
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^\.+/, '')
    .slice(0, 60)
  return name === '' ? undefined : name
}
