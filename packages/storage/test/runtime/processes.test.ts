import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { asProcessIdentity, type ProcessIdentity, systemProcesses } from '../../src/index.ts'
import { createLinuxProcesses, type LinuxMachine } from '../../src/runtime/linux-processes.ts'

const BOOT = '0f3c8a52-7f0e-4b44-9d2f-1f2e3d4c5b6a'
const OTHER_BOOT = '11111111-7f0e-4b44-9d2f-1f2e3d4c5b6a'

function stat(pid: number, startedAt: number, { state = 'S', threads = 1, name = 'node' } = {}): string {
  const between = Array.from({ length: 16 }, () => '0').join(' ')
  return `${pid} (${name}) ${state} ${between} ${threads} 0 ${startedAt} 1 2 3\n`
}

/** A machine on which this process has the id 100 and started at tick 5000. */
function machine(changes: { files?: Record<string, string>; links?: Record<string, string>; probe?: string } = {}) {
  const files: Record<string, string> = {
    '/proc/sys/kernel/random/boot_id': `${BOOT}\n`,
    '/proc/100/stat': stat(100, 5000),
    ...changes.files,
  }
  const links: Record<string, string> = { '/proc/self': '100', '/proc/self/ns/pid': 'pid:[7]', ...changes.links }
  const read = (from: Record<string, string>, path: string): string => {
    const text = from[path]
    if (text === undefined) throw new Error(`ENOENT ${path}`)
    return text
  }
  const played: LinuxMachine = {
    pid: 100,
    hostname: () => 'web-1',
    read: (path) => read(files, path),
    readLink: (path) => read(links, path),
    probe: () => (changes.probe === 'refused' ? 'refused' : 'missing'),
  }
  return createLinuxProcesses(played)
}

const self = machine().self() as ProcessIdentity
const other = (changes: Partial<ProcessIdentity>): ProcessIdentity => ({
  ...self,
  pid: 200,
  startedAt: '6000',
  ...changes,
})

describe('processes of a Linux machine', () => {
  test('identify themselves by boot, namespace, id and start time', () => {
    expect(self).toMatchObject({ host: 'web-1', boot: BOOT, pid: 100, startedAt: '5000' })
    expect(machine().state(self)).toBe('alive')
  })

  test('are alive while their id and start time are there, whatever their program is called', () => {
    const named = stat(200, 6000, { name: 'a) Z (b' })
    expect(machine({ files: { '/proc/200/stat': named } }).state(other({}))).toBe('alive')
  })

  test('are gone when another process has their id', () => {
    expect(machine({ files: { '/proc/200/stat': stat(200, 6001) } }).state(other({}))).toBe('gone')
  })

  test('are gone when no process has their id', () => {
    expect(machine().state(other({}))).toBe('gone')
  })

  test('are gone when they have ended and their parent has not noticed', () => {
    expect(machine({ files: { '/proc/200/stat': stat(200, 6000, { state: 'Z' }) } }).state(other({}))).toBe('gone')
  })

  test('are alive while another of their threads runs on', () => {
    const threads = stat(200, 6000, { state: 'Z', threads: 3 })
    expect(machine({ files: { '/proc/200/stat': threads } }).state(other({}))).toBe('alive')
  })

  test('may live where /proc hides them', () => {
    expect(machine({ probe: 'refused' }).state(other({}))).toBe('unknown')
  })

  test.each([
    ['on another machine', { boot: OTHER_BOOT }],
    ['in another container of the same machine and host name', { namespace: 'pid:[8] time:none' }],
  ])('%s may live', (_, changes) => {
    expect(machine().state(other(changes))).toBe('unknown')
  })

  test.each([
    ['the boot id is missing', { files: { '/proc/sys/kernel/random/boot_id': '' } }],
    ['the boot id is masked', { files: { '/proc/sys/kernel/random/boot_id': '00000000-0000-0000-0000-000000000000' } }],
    ["/proc is another container's", { links: { '/proc/self': '77' } }],
    ['the start time is missing', { files: { '/proc/100/stat': '100 (node) S 1' } }],
  ])('do not identify themselves where %s, and nothing is certain there', (_, changes) => {
    const odd = machine(changes)
    expect(odd.self()).toBeUndefined()
    expect(odd.state(other({}))).toBe('unknown')
  })
})

test('an identity is read back from JSON, and nothing else is taken for one', () => {
  expect(asProcessIdentity(JSON.parse(JSON.stringify(self)))).toEqual(self)
  for (const odd of [undefined, null, 'x', {}, { ...self, pid: 0 }, { ...self, pid: -1 }, { ...self, pid: 1.5 }])
    expect(asProcessIdentity(odd)).toBeUndefined()
})

describe.runIf(process.platform === 'linux')('the processes of this machine', () => {
  test('this one is alive', () => {
    const identity = systemProcesses.self()
    expect(identity).toBeDefined()
    expect(systemProcesses.state(identity as ProcessIdentity)).toBe('alive')
  })

  test('a child is alive, and gone once it was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await once(child, 'spawn')
    const text = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    const startedAt = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] as string
    const identity = { ...(systemProcesses.self() as ProcessIdentity), pid: child.pid as number, startedAt }
    expect(systemProcesses.state(identity)).toBe('alive')
    expect(systemProcesses.state({ ...identity, startedAt: '1' })).toBe('gone')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(systemProcesses.state(identity)).toBe('gone')
  })
})
