/** The logger port, with a logger that people use. */
import { StoreUnavailable } from '@s3queue/storage'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createWorld, intercept } from './support.ts'

describe('pino as the logger', () => {
  it('is told of troubles that nobody listens to, and of listeners that throw', async () => {
    const { open, run, store } = createWorld()
    const lines: { level: number; msg: string; name: string }[] = []
    const logger = pino({ name: 'mails' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
    let failures = 1
    const queue = open<string>({
      logger,
      store: intercept(store, '/log/', {
        get: (key, options) =>
          failures-- > 0 ? Promise.reject(new StoreUnavailable('the store is away')) : store.get(key, options),
      }),
    })
    queue.on('enqueued', () => {
      throw new Error('clumsy')
    })
    await run(queue.enqueue('x'))
    const { warn, error } = logger.levels.values
    expect(lines).toMatchObject([
      { level: warn, name: 'mails', msg: expect.stringContaining('the store is away') },
      { level: error, name: 'mails', msg: expect.stringContaining('clumsy') },
    ])
    await run(queue.close())
  })

  it('is told of listeners whose promise is rejected, which end no process', async () => {
    const { open, run } = createWorld()
    const lines: { msg: string }[] = []
    const logger = pino({ name: 'mails' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
    const queue = open<string>({ logger })
    queue.on('enqueued', async () => {
      throw new Error('clumsy')
    })
    queue.on('enqueued', () => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library is what this test is about
      then: (_: unknown, reject: (error: Error) => void) => reject(new Error('foreign')),
    }))
    await run(queue.enqueue('x'))
    await run(queue.close())
    expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining('clumsy'), expect.stringContaining('foreign')])
  })
})
