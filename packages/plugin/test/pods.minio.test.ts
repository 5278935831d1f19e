/** The rows that need several processes, or a network: on the S3 server of the run. */
import { startFaultProxy } from '@s3queue/e2e/harness'
import { describeOnS3 } from '@s3queue/e2e/suite'
import { expect, it, onTestFinished } from 'vitest'
import { minio } from './support/place.ts'
import { type Pod, startPods } from './support/pods.ts'
import { next, openWorld, until } from './support/world.ts'

describeOnS3('several processes on MinIO', (server) => {
  const place = minio(server)
  const handledBy = (pods: readonly Pod[]): string[] => pods.flatMap((pod) => pod.of('handled').map(({ id }) => id))
  const types = (count: number): string[] => Array.from({ length: count }, (_, n) => `t${n}`)
  const produce = async (pod: Pod, given: readonly string[]): Promise<readonly string[]> => {
    pod.tell({ produce: given })
    return (await pod.seen('enqueued', ({ ids }) => ids.length === given.length)).ids
  }

  it('C53 C100 four processes: each message is handled exactly once, and all of them handle', async () => {
    const world = await openWorld(place)
    const { tasks } = await world.use()
    const pods = await startPods(4, { location: world.location, options: { concurrency: 3 }, handlerMs: 30 })
    const ids = (await Promise.all(pods.map((pod) => produce(pod, types(60))))).flat()
    await until(async () => (await tasks.queueStats()).completed === 240)
    expect(handledBy(pods).sort()).toEqual([...ids].sort())
    for (const pod of pods) expect(pod.of('handled').length).toBeGreaterThan(0)
    expect(await tasks.queueStats()).toMatchObject({ total: 240, pending: 0, processing: 0, dead: 0 })
  })

  it('C101 a process is killed at work: its messages run again after the visibility timeout, nothing is lost', async () => {
    const world = await openWorld(place)
    const { tasks } = await world.use()
    const options = { concurrency: 2, visibilityTimeout: 3000 }
    const pods = await startPods(3, { location: world.location, options, handlerMs: 100 })
    const [victim, ...others] = pods as [Pod, Pod, Pod]
    const ids = await produce(others[0], types(60))
    await victim.seen('started')
    victim.kill('SIGKILL')
    await until(async () => (await tasks.queueStats()).completed === 60)
    expect(new Set(handledBy(pods))).toEqual(new Set(ids))
    // Only what was in the victim's hands may have been begun twice.
    const begun = victim.of('started').map(({ id }) => id)
    const twice = handledBy(pods).filter((id, i, all) => all.indexOf(id) !== i)
    for (const id of twice) expect(begun).toContain(id)
  })

  it('C101 a message that kills its process goes to the dead letters after its last attempt', async () => {
    const world = await openWorld(place)
    const options = { maxAttempts: 2, visibilityTimeout: 1500, deadLetterResource: 'dead', concurrency: 1 }
    const { tasks } = await world.use({ ...options, heartbeatInterval: 500, heartbeatTTL: 2 })
    const pods = await startPods(3, { location: world.location, options, handlerMs: 10 })
    await tasks.enqueue({ id: 'poison', type: 'poison' })
    await until(async () => (await world.db.resources.dead?.count()) === 1)
    const [row] = (await world.db.resources.dead?.list()) ?? []
    expect(row).toMatchObject({
      originalId: 'poison',
      attempts: 2,
      error: expect.stringMatching(/ProcessEnded|VisibilityTimeout/),
    })
    const exits = pods.filter((pod) => pod.of('started').length > 0)
    expect(exits).toHaveLength(2)
  })

  it('C102 a process that stands still beyond its claim: its late result is refused', async () => {
    const world = await openWorld(place)
    const { tasks } = await world.use()
    const options = { visibilityTimeout: 2000, concurrency: 1 }
    const [one, two] = (await startPods(2, { location: world.location, options, handlerMs: 500 })) as [Pod, Pod]
    await tasks.enqueue({ id: 'a', type: 'a' })
    const first = await Promise.race([one.seen('started').then(() => one), two.seen('started').then(() => two)])
    const other = first === one ? two : one
    first.kill('SIGSTOP')
    await other.seen('completed')
    first.kill('SIGCONT')
    await first.seen('handled')
    await until(async () => (await tasks.queueStats()).completed === 1)
    expect(first.of('completed')).toEqual([])
    expect(other.of('completed')).toMatchObject([{ id: 'a', attempts: 2 }])
    const [late] = first.of('handled')
    expect(other.of('handled')[0]?.token).toBeGreaterThan(late?.token ?? 0)
    expect(await world.db.resources.tasks_queue?.get('a')).toMatchObject({ status: 'completed', attempts: 2 })
  })

  it('C108 SIGTERM: what is in hand ends, what waits goes on elsewhere at once, the process exits', async () => {
    const world = await openWorld(place)
    const { tasks } = await world.use()
    const options = { visibilityTimeout: '5m', concurrency: 1 }
    const [one, two] = (await startPods(2, { location: world.location, options, handlerMs: 300 })) as [Pod, Pod]
    await produce(two, types(12))
    await one.seen('started')
    one.kill('SIGTERM')
    expect(await one.exited()).toBe(0)
    // Long before anything could have run out.
    await until(async () => (await tasks.queueStats()).completed === 12)
    expect(handledBy([one, two])).toHaveLength(12)
    expect(one.of('started')).toHaveLength(one.of('handled').length)
  })

  it('C55 C90 any process knows how many workers there are, from one object that the coordinator writes', async () => {
    const world = await openWorld(place)
    await world.use()
    const pods = await startPods(4, { location: world.location, options: {}, handlerMs: 10 })
    await produce(pods[0] as Pod, types(8))
    for (const pod of pods) {
      await until(async () => {
        const before = pod.of('metrics').length
        pod.tell({ metrics: true })
        await pod.seen('metrics', () => pod.of('metrics').length > before)
        return pod.of('metrics').at(-1)?.metrics.activeWorkers === 4
      })
    }
    expect(pods.map((pod) => pod.of('metrics').at(-1)?.metrics.isCoordinator).filter(Boolean)).toHaveLength(1)
  })

  it('C89 the store asks for fewer requests: told, and nothing is lost', async () => {
    const { world, proxy } = await throughProxy()
    const { queue, tasks } = await world.use({ onMessage: () => {} })
    await until(() => queue.isCoordinator)
    const throttled = next(queue, 'plg:s3-queue:s3-throttled')
    const { met } = proxy.inject(
      { kind: 'answer', status: 503, retryAfter: '1' },
      { method: 'PUT', path: /s3-queue.*\/log\// },
    )
    const completed = next(queue, 'plg:s3-queue:message-completed')
    await tasks.enqueue({ type: 'a' })
    await met
    expect(await throttled).toEqual({ operation: 'put', retryAfter: 1000 })
    await completed
  })

  it('C32 C103 an idle queue backs off to 12 writes and lists a minute, reads the bell, and hears of a message within maxPollInterval', async () => {
    const { world, proxy } = await throughProxy()
    const { queue, tasks } = await world.use({ onMessage: () => {}, coordinatorElectionInterval: 15_000 })
    const completed = next(queue, 'plg:s3-queue:message-completed')
    await tasks.enqueue({ type: 'a' })
    await completed
    // By then the looks are as far apart as they get.
    await new Promise((resolve) => setTimeout(resolve, 20_000))
    const before = proxy.requests.length
    await new Promise((resolve) => setTimeout(resolve, 55_000))
    const asked = proxy.requests.slice(before).map(({ method, path }) => `${method} ${path}`)
    // Signs of life of workers are given and read every three minutes: at most one of each falls into this one.
    const signs = asked.filter((each) => each.includes('workers'))
    expect(signs.length).toBeLessThanOrEqual(2)
    // Reads of the bell cost a twelfth of a list. The writer makes five a second at most, as this store is near.
    const bells = asked.filter((each) => each.includes('/bell'))
    expect(bells.length).toBeGreaterThan(30)
    expect(bells.length).toBeLessThanOrEqual(5 * 55)
    // 12 a minute are 11 in 55 s.
    expect(asked.length - signs.length - bells.length, asked.join('\n')).toBeLessThanOrEqual(11)
    const producer = await world.direct().then((other) => other.use({ coordinatorElectionInterval: 15_000 }))
    const again = next(queue, 'plg:s3-queue:message-completed')
    const start = Date.now()
    await producer.tasks.enqueue({ type: 'b' })
    const enqueued = Date.now()
    await again
    expect(Date.now() - enqueued).toBeLessThan(12_000)
    expect(enqueued - start).toBeLessThan(10_000)
  })

  it('C56 twenty processes at rest: a hundred stay far below what S3 takes', { timeout: 300_000 }, async () => {
    const { world, proxy } = await throughProxy()
    const options = {
      onMessage: () => {},
      coordinatorElectionInterval: 15_000,
      heartbeatInterval: 15_000,
      heartbeatTTL: 45,
    }
    const first = await world.use(options)
    await Promise.all(Array.from({ length: 19 }, async () => (await world.other()).use(options)))
    for (const type of types(20)) await first.tasks.enqueue({ type })
    await until(async () => (await first.tasks.queueStats()).completed === 20)
    // They come to rest by and by; for 100 processes, five times as much: against 3,500 writes and 5,500 reads a second.
    const windowMs = 10_000
    let [reads, others] = [0, 0]
    do {
      const [before, beganAt] = [proxy.requests.length, performance.now()]
      await new Promise((resolve) => setTimeout(resolve, windowMs))
      const asked = proxy.requests.slice(before)
      const isRead = ({ method, path }: (typeof asked)[number]): boolean =>
        method === 'GET' && !path.includes('list-type')
      const seconds = (performance.now() - beganAt) / 1000
      reads = asked.filter(isRead).length / seconds
      others = asked.length / seconds - reads
      // A store that is near is read five times a second by sixteen workers, however many there are.
    } while (others * 5 >= 100 || reads * 5 >= 1000)
  })

  /** A database whose requests go through a proxy; `direct` is the same without it. */
  async function throughProxy() {
    const location = await place.location()
    const proxy = await startFaultProxy(server.endpoint)
    onTestFinished(() => proxy.stop())
    const world = await openWorld(place, location.replace(new URL(server.endpoint).host, new URL(proxy.endpoint).host))
    return { proxy, world: { ...world, direct: () => openWorld(place, location) } }
  }
})
