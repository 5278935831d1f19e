import { fork } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HASTY } from '../src/newsletter-queue.ts'
import { readJournal } from '../src/notes.ts'
import type { WorkerReport, WorkerSetup } from '../src/spawned-worker.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe.each([{ shared: false }, { shared: true }])('a worker process, shared: $shared', ({ shared }) => {
  it('is not left behind when its parent is gone', { timeout: 60_000 }, async () => {
    const program = fileURLToPath(new URL('../src/worker-process.ts', import.meta.url))
    const child = fork(program, { execArgv: ['--conditions=@s3queue/source'] })
    const said = async (report: WorkerReport): Promise<void> => {
      for await (const [message] of on(child, 'message')) if (message === report) return
    }
    await said('ready')
    const journal = join(directory, 'journal')
    const place = { kind: 'fs', directory: join(directory, 'store') } as const
    const setup: WorkerSetup = {
      ...{ name: 'worker', prefix: 'demo/', patience: HASTY, mailPort: 9, concurrency: 1 },
      ...{ shared, place, journal },
    }
    child.send(setup)
    await said('promoted')
    child.disconnect()
    const [code, signal] = await once(child, 'exit')
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(await readJournal(journal)).toContainEqual(expect.objectContaining({ kind: 'promoted', by: 'worker' }))
  })
})
