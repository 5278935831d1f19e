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
})
