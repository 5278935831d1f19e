/** A process with a low limit of open files (`ulimit -n`), in which two stores make many requests one after the other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startScriptedServer } from './scripted-server.ts'

/** More than Node itself and one busy store need, less than two of them do. */
const MAX_FILES = 100
const REQUESTS = 50

test('a store whose connections are idle releases them to another one that needs file descriptors', async () => {
  const [first, second] = [await startScriptedServer(), await startScriptedServer()]
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
  })
  // No answer before all requests of a store have come: each of them needs a connection.
  for (const server of [first, second]) {
    server.replyBy(() => ({ headers: { etag: '"e"' }, until: server.seen(REQUESTS) }))
  }
  const worker = fileURLToPath(new URL('few-descriptors/worker.ts', import.meta.url))
  const args = JSON.stringify({ endpoints: [first.endpoint, second.endpoint], requests: REQUESTS })
  const script = `ulimit -n ${MAX_FILES}; exec "$0" --conditions=@s3queue/source "$1" "$2"`
  const child = spawn('/bin/sh', ['-c', script, process.execPath, worker, args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await once(child, 'close')
  const { failures, tookMs } = JSON.parse(said)
  expect(failures.length).toBeGreaterThan(0)
  expect(new Set(failures)).toEqual(new Set(['EMFILE']))
  expect(second.requests.length).toBeGreaterThanOrEqual(REQUESTS)
  expect(tookMs).toBeLessThan(3_000)
})
