/** A short torture in each kind of place: processes are killed and paused, and behind a proxy one request in ten meets a fault. `pods.test.ts` has a longer one. */
import { seededRandom } from '@s3queue/storage'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isSet } from '../harness/global-setup.ts'
import { badWeather, type S3Address, startFaultProxy, startMinistack } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'
import { bucketOf, temporaryDirectory } from './places.ts'
import { seedOfRun, type Torture, torture } from './torture.ts'

const SIZE = { workers: 5, producers: 2, messages: 1000, rounds: 10, restMs: 90_000 } as const
const OPTIONS = { timeout: 240_000 }

async function tortureBehindProxy(server: S3Address, queue: string): Promise<void> {
  const seed = seedOfRun()
  const proxy = await startFaultProxy(server.endpoint, badWeather(seededRandom(seed)))
  onTestFinished(() => proxy.stop())
  const direct = await bucketOf(server)
  if (direct.kind !== 'bucket') throw new Error('A bucket is expected.')
  const place = { ...direct, options: { ...direct.options, endpoint: proxy.endpoint } }
  await expectHavoc({ ...SIZE, place, direct, queue, seed })
  const met = proxy.requests.filter(({ fault }) => fault !== undefined).length
  console.info(`${met} of ${proxy.requests.length} requests met a fault`)
  expect(met).toBeGreaterThan(proxy.requests.length / 20)
}

async function expectHavoc(options: Torture): Promise<void> {
  const havoc = await torture(options)
  expect(havoc.kills + havoc.pauses).toBeGreaterThan(3)
}

const NAME = 'no message is lost or completed twice while processes die and sleep'

describe('a directory', () => {
  test(`${NAME}`, OPTIONS, async () => {
    await expectHavoc({ ...SIZE, place: await temporaryDirectory(), queue: 'torture', seed: seedOfRun() })
  })
})

describeOnS3('MinIO behind a network that loses, repeats and delays', (server) => {
  test(NAME, OPTIONS, () => tortureBehindProxy(server, 'torture'))
})

describe('ministack behind a network that loses, repeats and delays', () => {
  test(NAME, OPTIONS, async (context) => {
    const server = await startMinistack()
    if (typeof server === 'string') {
      // Where `CI` is set a proof that does not run is a failure.
      if (isSet(process.env.CI)) throw new Error(server)
      return context.skip(server)
    }
    onTestFinished(() => server.stop())
    await tortureBehindProxy(server, 'torture')
  })
})
