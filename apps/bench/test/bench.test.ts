import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bench } from '../src/bench.ts'
import type { BenchReport } from '../src/report/results-file.ts'

let folder: string
let printed: { stdout: string; stderr: string }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 's3queue-bench-test-'))
  printed = { stdout: '', stderr: '' }
})

afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

function run(...args: string[]): Promise<number> {
  const into = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      printed[name] += text
    },
  })
  return bench(args, { stdout: into('stdout'), stderr: into('stderr') })
}

/** Runs rows quickly and gives the numbers of the file: `value('state', 'batches')`. */
async function measure(rows: string, store = 'memory') {
  const json = join(folder, 'out', 'numbers.json')
  const exitCode = await run('--quick', '--only', rows, '--store', store, '--directory', folder, '--json', json)
  const report = JSON.parse(await readFile(json, 'utf8')) as BenchReport
  const value = (row: string, metric: string): number => {
    const results = report.results.find((result) => result.row === row)
    return results?.metrics.find((each) => each.metric === metric)?.median ?? Number.NaN
  }
  return { exitCode, report, value }
}

describe('a quick run in memory', () => {
  it('measures the state machine', async () => {
    const { exitCode, value, report } = await measure('state')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    expect(value('state', 'single')).toBeGreaterThan(1000)
    expect(value('state', 'batches')).toBeGreaterThan(1000)
    expect(value('state', 'commits')).toBeGreaterThan(1000)
  })

  it('counts requests and times', async () => {
    const { exitCode, value, report } = await measure('start-up,one-at-a-time,few-requests,backlog,backlog-one')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    expect(value('start-up', 'newRequests')).toBeGreaterThan(0)
    // A lone message takes two commits: it comes and is claimed, and it is completed.
    expect(value('one-at-a-time', 'put')).toBeGreaterThanOrEqual(2)
    expect(value('one-at-a-time', 'requests')).toBeLessThan(4)
    expect(value('one-at-a-time', 'p50')).toBeGreaterThan(0)
    expect(value('one-at-a-time', 'p99')).toBeGreaterThanOrEqual(value('one-at-a-time', 'p50'))
    expect(value('few-requests', 'requests')).toBeGreaterThan(0)
    expect(value('few-requests', 'requests')).toBeLessThan(0.5)
    expect(value('backlog', 'rate')).toBeGreaterThan(100)
    expect(value('backlog', 'allocated')).toBeGreaterThan(500)
    expect(value('backlog-one', 'requests')).toBeLessThan(1)
  })

  it('watches processes that share a queue, when nothing happens and when the writer goes', async () => {
    const { exitCode, value, report } = await measure('idle-pods,pods-take-over-default')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    expect(value('idle-pods', 'standby')).toBeGreaterThan(0.1)
    expect(value('idle-pods', 'all')).toBeLessThan(10)
    expect(value('pods-take-over-default', 'killedBusyWriter')).toBeGreaterThan(1000)
    expect(value('pods-take-over-default', 'killedBusyWriter')).toBeLessThanOrEqual(5000)
    expect(value('pods-take-over-default', 'closedBusyHandler')).toBeLessThan(10_000)
  })

  it('watches an idle hour, and enqueues in bulk', async () => {
    const { exitCode, value } = await measure('idle,bulk-enqueue')
    expect(exitCode).toBe(0)
    expect(value('idle', 'writer')).toBeGreaterThan(0.1)
    expect(value('idle', 'writer')).toBeLessThanOrEqual(2.5)
    expect(value('idle', 'standby')).toBeGreaterThan(0.1)
    expect(value('idle', 'standby')).toBeLessThanOrEqual(2.5)
    expect(value('bulk-enqueue', 'thousand')).toBeGreaterThan(1000)
    expect(value('bulk-enqueue', 'tenThousand')).toBeGreaterThan(1000)
  })

  it('recovers and takes over', async () => {
    const { exitCode, value, report } = await measure('recovery,take-over,take-over-default')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    expect(value('recovery', 'requests')).toBeGreaterThan(20)
    expect(value('take-over', 'crash')).toBeGreaterThan(0)
    expect(value('take-over', 'crash')).toBeLessThan(10_000)
  })

  it('prints a table and says where and when it ran', async () => {
    const { report } = await measure('backlog')
    expect(report.machine.node).toBe(process.version)
    expect(report.machine.load).toHaveLength(3)
    expect(printed.stdout).toMatch(/backlog +memory +messages +[\d,]+ /)
    expect(printed.stderr).toContain('backlog on memory')
  })
})

describe('other stores', () => {
  it('measures on files, and removes them', async () => {
    const { exitCode, value } = await measure('few-requests', 'fs')
    expect(exitCode).toBe(0)
    expect(value('few-requests', 'requests')).toBeLessThan(0.5)
  })

  it('counts the requests of several processes', { timeout: 120_000 }, async () => {
    const { exitCode, value, report } = await measure('pods,pods-take-over', 'fs')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    // At the least, each of the ten batches is put into the inbox and read there.
    expect(value('pods', 'one')).toBeGreaterThan(0.04)
    expect(value('pods', 'one')).toBeLessThan(1)
    expect(value('pods', 'mailboxes')).toBeGreaterThan(0.04)
    expect(value('pods-take-over', 'killedBusyWriter')).toBeGreaterThan(0)
  })

  it('measures how processes wake up, start again and take urgent messages', { timeout: 120_000 }, async () => {
    const { exitCode, value, report } = await measure('many-urgent,many-wake-up,many-restart', 'fs')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    expect(value('many-urgent', 'one')).toBeGreaterThanOrEqual(0)
    expect(value('many-wake-up', 'p50')).toBeGreaterThanOrEqual(0)
    expect(value('many-restart', 'cutOff')).toBeGreaterThanOrEqual(value('many-restart', 'any'))
  })

  it('measures a remote worker', { timeout: 120_000 }, async () => {
    const { exitCode, value, report } = await measure('pods-remote', 'fs')
    expect(report.failed).toEqual([])
    expect(exitCode).toBe(0)
    expect(value('pods-remote', 'rate')).toBeGreaterThan(10)
    expect(value('pods-remote', 'requests')).toBeLessThan(2)
    expect(value('pods-remote', 'writerCpu')).toBeGreaterThan(0)
    expect(value('pods-remote', 'workerCpu')).toBeGreaterThan(0)
  })

  it('sees the time that requests take far away', async () => {
    const { value } = await measure('one-at-a-time', 'far')
    expect(value('one-at-a-time', 'p50')).toBeGreaterThanOrEqual(59)
    // One commit lies between, and nothing else.
    expect(value('one-at-a-time', 'roundTrips')).toBeGreaterThan(0.9)
    expect(value('one-at-a-time', 'roundTrips')).toBeLessThan(2)
  })
})

describe('the command line', () => {
  it('prints what there is to measure', async () => {
    expect(await run('--help')).toBe(0)
    expect(printed.stdout).toContain('--only')
    expect(printed.stdout).toMatch(/^ {2}take-over /m)
    // What rows are about begins in one column, also behind the longest name.
    const rows = printed.stdout.split('\nRows:\n')[1]?.trimEnd().split('\n') ?? []
    expect(rows.length).toBeGreaterThan(10)
    expect(new Set(rows.map((line) => /^ {2}\S+ {2,}/.exec(line)?.[0].length))).toHaveLength(1)
  })

  it.each([
    [['--only', 'backlogg'], 'Did you mean "backlog"?'],
    [['--store', 'mini'], 'Did you mean "minio"?'],
    [['--onyl', 'state'], 'Did you mean "only"?'],
    [['--repetitions', 'some'], 'must be a whole number'],
    [['--repetitions', '0'], 'must be a whole number'],
    [['state'], 'state'],
    [['--only', 'idle', '--store', 'minio'], 'Nothing to measure'],
    [['--write', 'README.md'], '--write is for a whole run'],
    [['--peers', '--quick', '--write', 'README.md'], '--write is for a whole run'],
    [['--only', 'many-urgent', '--write', 'README.md'], '--write is for a whole run'],
    [['--only', 'many-proceses'], 'Did you mean "many-processes"?'],
  ])('refuses %j', async (args, advice) => {
    expect(await run(...args)).toBe(1)
    expect(printed.stderr).toContain(advice)
    expect(printed.stdout).toBe('')
  })

  it('ends with 1 when something cannot be measured, and still measures the rest', async () => {
    const missing = join(folder, 'missing')
    const json = join(folder, 'numbers.json')
    const exitCode = await run(
      ...['--quick', '--only', 'backlog', '--store', 'memory,fs', '--directory', missing, '--json', json],
    )
    expect(exitCode).toBe(1)
    const report = JSON.parse(await readFile(json, 'utf8')) as BenchReport
    expect(report.results.map(({ store }) => store)).toEqual(['memory'])
    expect(report.failed.map(({ store }) => store)).toEqual(['fs'])
    expect(printed.stderr).toContain('FAILED: backlog on fs')
  })
})
