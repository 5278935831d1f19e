import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ChildSetup } from '../src/crash.ts'
import { HASTY } from '../src/newsletter-queue.ts'
import { readJournal } from '../src/notes.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

it('is not left behind when its parent is gone', { timeout: 60_000 }, async () => {
  const program = fileURLToPath(new URL('../src/worker-process.ts', import.meta.url))
  const child = fork(program, { execArgv: ['--conditions=@s3queue/source'] })
  const journal = join(directory, 'journal')
  const place = { kind: 'fs', directory: join(directory, 'store') } as const
  const shared = { name: 'worker', prefix: 'demo/', patience: HASTY, mailPort: 9, concurrency: 1 }
  const setup: ChildSetup = { ...shared, place, journal }
  child.send(setup)
  await once(child, 'message')
  child.disconnect()
  const [code, signal] = await once(child, 'exit')
  expect({ code, signal }).toEqual({ code: 0, signal: null })
  expect(await readJournal(journal)).toContainEqual(expect.objectContaining({ kind: 'promoted', by: 'worker' }))
})
