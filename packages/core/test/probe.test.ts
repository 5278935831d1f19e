import { UnsupportedStore } from '@s3queue/storage'
import { createIgnoringStore, createRacyStore } from '@s3queue/storage/testing'
import { describe, expect, it } from 'vitest'
import { createWorld } from './support.ts'

describe('the probe before the first write', () => {
  it('runs once in a namespace, for stores that need it', async () => {
    const { open, run, store } = createWorld()
    let requests = 0
    const counted = {
      ...store,
      needsProbe: true,
      put: (...call: Parameters<typeof store.put>) => {
        requests++
        return store.put(...call)
      },
    }
    const first = open({ store: counted })
    await run(first.enqueue('a'))
    await run(first.close())
    const probing = requests
    expect(probing).toBeGreaterThan(100)
    const second = open({ store: counted, name: 'others' })
    await run(second.enqueue('b'))
    await run(second.close())
    expect(requests - probing).toBeLessThan(10)
    expect([...store.snapshot().keys()].filter((key) => key.includes('/probe/'))).toEqual(['s3queue/probe/passed'])
  })

  it.each([
    ['ignores conditions', createIgnoringStore],
    ['checks them, but not atomically', createRacyStore],
  ])('refuses a store that %s, by name, and takes no message', async (_, create) => {
    const { open, run } = createWorld()
    const queue = open({ store: { ...create({ description: 's3://careless' }), needsProbe: true } })
    const error = await run(queue.enqueue('a').catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(UnsupportedStore)
    expect(String(error)).toContain('s3://careless')
    await run(queue.close())
  })
})
