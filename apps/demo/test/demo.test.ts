import { describe, expect, it } from 'vitest'
import { type Ended, numberIn, runDemo } from './demo-process.ts'

const PATIENCE = { timeout: 90_000 }

function expectProof({ code, stdout, stderr, leftBehind }: Ended): void {
  expect({ code, failed: stdout.match(/✗.*/g), stderr }).toMatchObject({ code: 0, failed: null })
  expect(stdout).toContain('All numbers add up.')
  expect(leftBehind).toEqual([])
}

describe.concurrent('the demo', () => {
  it('sends everything, and its numbers add up', PATIENCE, async () => {
    const ended = await runDemo([])
    expectProof(ended)
    const { stdout, stderr } = ended
    expect(stdout).toContain('What became of 400 messages')
    const [sent, dead, retried] = ['sent', 'dead letters', 'attempts that failed and were made again'].map((label) =>
      numberIn(stdout, label),
    )
    expect({ sent, dead }).toEqual({ sent: 376, dead: 24 })
    const reasons = ['malformed address', '550 no such mailbox', 'no name to greet', 'same address as an earlier row']
    expect(reasons.map((reason) => numberIn(stdout, reason))).toEqual([8, 8, 4, 4])
    const greylisted = numberIn(stdout, '451 greylisted, try again later')
    const turnedAway = numberIn(stdout, '421 service not available')
    expect(greylisted).toBeGreaterThan(20)
    expect(turnedAway).toBeGreaterThan(0)
    expect(greylisted + turnedAway).toBe(retried)
    expect(numberIn(stdout, 'requests to the store per message')).toBeLessThan(2)
    expect(stdout).toMatch(/all of it on S3 +\$0\.00\d\d /)
    expect(stderr).toContain('mails accepted')
  })

  it('loses nothing when a worker process is killed', PATIENCE, async () => {
    const ended = await runDemo(['--crash', '--messages', '80'])
    expectProof(ended)
    const { stdout } = ended
    expect(stdout).toContain('What became of 80 messages')
    expect(numberIn(stdout, 'sent') + numberIn(stdout, 'dead letters')).toBe(80)
    expect(numberIn(stdout, 'claims that the killed process left behind')).toBeGreaterThan(0)
    expect(stdout).toContain('One message that lived through it')
    expect(stdout).toContain('claimed by the process that was killed')
    expect(stdout).toContain('claimed by this process')
  })

  it('shares the work among processes, and another writes when the one that did is killed', PATIENCE, async () => {
    const ended = await runDemo(['--pods', '4', '--messages', '200'])
    expectProof(ended)
    const { stdout, stderr } = ended
    expect(stdout).toContain('4 worker processes on one queue: 200 messages')
    const handled = ['pod-1', 'pod-2', 'pod-3', 'pod-4'].map((worker) => numberIn(stdout, worker))
    expect(handled.every((count) => count > 0)).toBe(true)
    expect(handled.reduce((sum, count) => sum + count)).toBe(200)
    expect([numberIn(stdout, 'all'), numberIn(stdout, 'enqueued')]).toEqual([200, 200])
    expect(stdout).toMatch(/pod-\d .* to \d+\.\d s, killed$/m)
    expect(stdout).toMatch(/another worker took over from the one that was killed \(pod-\d from pod-\d\)/)
    expect(numberIn(stdout, 'claims of the killed process')).toBeGreaterThan(0)
    // From the kill; the writer's last sign was before it.
    expect(numberIn(stdout, 'until another wrote')).toBeLessThan(30)
    expect(numberIn(stdout, 'requests per message')).toBeGreaterThan(0)
    expect(stderr).toMatch(/mails accepted; done: pod-1 .*\(writes\)/)
    // All of it in one screen.
    expect(stdout.trim().split('\n').length).toBeLessThan(40)
  })

  it('fails when the mail server has lost a mail', PATIENCE, async () => {
    const program = new URL('./lying-demo.ts', import.meta.url)
    const { code, stdout, leftBehind } = await runDemo(['--messages', '12', '--quiet'], { program })
    expect(code).toBe(1)
    expect(stdout).toContain('✗ every good recipient has their mail (1 have none)')
    expect(stdout).toContain('1 of 11 checks FAILED')
    expect(stdout).not.toContain('All numbers add up.')
    expect(leftBehind).toEqual([])
  })

  it('stops in good order when it is told to', PATIENCE, async () => {
    let told = false
    const { code, stdout, leftBehind } = await runDemo(['--messages', '1000'], {
      onProgress: (said, kill) => {
        if (told || !said.includes('mails accepted')) return
        told = true
        kill('SIGINT')
      },
    })
    expect(code).toBe(130)
    expect(stdout).toContain('Stopped by you')
    const parts = ['sent', 'dead letters', 'not done'].map((label) => numberIn(stdout, label))
    expect(parts.reduce((sum, part) => sum + part)).toBe(1000)
    expect(leftBehind).toEqual([])
  })

  it('ends all its processes in good order when it is told to', PATIENCE, async () => {
    let told = false
    const { code, stdout, stderr, leftBehind } = await runDemo(['--pods', '3', '--messages', '1000'], {
      onProgress: (said, kill) => {
        if (told || !said.includes('mails accepted')) return
        told = true
        kill('SIGINT')
      },
    })
    expect({ code, stderr }).toMatchObject({ code: 130 })
    expect(stdout).toContain('Stopped by you')
    expect(numberIn(stdout, 'enqueued')).toBe(1000)
    expect(leftBehind).toEqual([])
  })

  it('refuses a command line that it does not understand', PATIENCE, async () => {
    const { code, stdout, stderr } = await runDemo(['--mesages', '10'])
    expect(code).toBe(2)
    expect(stderr).toContain('There is no option --mesages. Did you mean --messages?')
    expect(stdout).toBe('')
  })

  it('says what is wrong when the store does not answer, and never repeats a secret', PATIENCE, async () => {
    const { code, stderr, leftBehind } = await runDemo(['--store', 's3://key:the-secret@127.0.0.1:1/bucket'])
    expect(code).toBe(1)
    expect(stderr).toContain('ECONNREFUSED')
    expect(stderr).not.toContain('the-secret')
    expect(leftBehind).toEqual([])
  })

  it('explains itself', PATIENCE, async () => {
    const { code, stdout } = await runDemo(['--help'])
    expect(code).toBe(0)
    for (const flag of [
      '--messages',
      '--concurrency',
      '--store',
      '--directory',
      '--crash',
      '--pods',
      '--tour',
      '--keep',
      '--quiet',
      'minio',
    ])
      expect(stdout).toContain(flag)
  })
})
