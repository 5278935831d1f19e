import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROGRAM } from '../src/tour/program.ts'
import { runDemo } from './demo-process.ts'

const PATIENCE = { timeout: 60_000 }

/** What the tour printed, scene by scene, and its closing line. */
function sections(stdout: string): { readonly scenes: readonly string[]; readonly closing: string } {
  const parts = stdout.trimEnd().split('\n\n')
  return { scenes: parts.slice(0, -1), closing: parts.at(-1) ?? '' }
}

describe.concurrent('the tour', () => {
  it('shows every scene, and all its checks hold', PATIENCE, async () => {
    const { code, stdout, stderr, leftBehind } = await runDemo(['--tour'])
    expect({ code, failed: stdout.match(/✗.*/g), stderr }).toEqual({ code: 0, failed: null, stderr: '' })
    const { scenes, closing } = sections(stdout)
    const names = Object.keys(PROGRAM)
    expect(scenes).toHaveLength(names.length)
    for (const [i, name] of names.entries()) {
      expect(scenes[i]).toContain(`${i + 1}. ${PROGRAM[name]?.title} `)
      expect(scenes[i]).toContain(` ${name}.ts\n`)
      expect(scenes[i]).toMatch(/\n {4}✓ /)
    }
    expect(closing).toBe(
      `All ${stdout.match(/✓/g)?.length} checks hold. It took ${closing.match(/[\d.]+(?= s\.$)/)} s.`,
    )
    expect(leftBehind).toEqual([])
  })

  it('fails when the queue does not do as promised, and shows the rest all the same', PATIENCE, async () => {
    const { code, stdout, leftBehind } = await runDemo(['--tour'], {
      program: new URL('./lying-tour.ts', import.meta.url),
    })
    expect(code).toBe(1)
    expect(stdout.match(/✗.*/g)).toEqual(['✗ the highest first, equals as they came'])
    const { scenes, closing } = sections(stdout)
    expect(scenes).toHaveLength(Object.keys(PROGRAM).length)
    expect(closing).toBe(`1 of ${stdout.match(/[✓✗]/g)?.length} checks FAILED.`)
    expect(leftBehind).toEqual([])
  })

  it('stops in good order when it is told to', PATIENCE, async () => {
    let told = false
    const { code, stdout, leftBehind } = await runDemo(['--tour'], {
      onProgress: (printed, kill) => {
        if (told || !printed.includes('✓')) return
        told = true
        kill('SIGINT')
      },
    })
    expect({ code, told }).toEqual({ code: 130, told: true })
    expect(stdout).not.toContain('checks hold')
    expect(leftBehind).toEqual([])
  })

  it('leaves the queue where it is if asked to', PATIENCE, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'demo-test-'))
    try {
      const { code, stdout } = await runDemo(['--tour', '--keep', '--directory', directory])
      expect(code).toBe(0)
      const run = (await readdir(directory)).find((name) => name.startsWith('demo-')) ?? ''
      expect(stdout).toMatch(new RegExp(`Kept: .*${run}`))
      expect(await readdir(join(directory, run, 's3queue'))).toEqual(['letters', 'tour'])
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})
