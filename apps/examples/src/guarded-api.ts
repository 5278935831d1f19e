/**
 * An external API that is down for a while and allows ten calls in a tenth of a second: a circuit breaker (opossum) and a rate limiter (p-throttle)
 * around the call, a retry after a while when the breaker is open. The queue keeps what cannot be done yet.
 */
import { S3QueuePlugin } from '@s3queue/plugin'
import CircuitBreaker from 'opossum'
import pThrottle from 'p-throttle'
import { type Example, queued, whenEnded } from './example.ts'

interface Call {
  city: string
}

const CALLS = 40
const LIMIT = 10
const INTERVAL_MS = 100

/** Down for its first calls; notes when each came. */
class WeatherApi {
  readonly calls: number[] = []

  async ask(city: string): Promise<string> {
    this.calls.push(performance.now())
    if (this.calls.length <= 6) throw new Error('the API is down')
    return `sunny in ${city}`
  }

  /** From the first call to the last. */
  get elapsedMs(): number {
    return (this.calls.at(-1) ?? 0) - (this.calls[0] ?? 0)
  }
}

export const guardedApi: Example<{ answered: number; calls: number; opened: number; elapsedMs: number }> = async (
  db,
  say,
) => {
  const api = new WeatherApi()
  const throttled = pThrottle({ limit: LIMIT, interval: INTERVAL_MS, strict: true })((city: string) => api.ask(city))
  const breaker = new CircuitBreaker(throttled, {
    ...{ timeout: false, volumeThreshold: 5, errorThresholdPercentage: 50, resetTimeout: 200 },
  })
  let opened = 0
  breaker.on('open', () => {
    opened++
    say('the API fails: no calls for a while')
  })
  breaker.on('close', () => say('the API is back'))
  await db.createResource({
    name: 'api_calls',
    attributes: { id: 'string|required', city: 'string|required' },
  })

  const queue = new S3QueuePlugin<Call>({
    resource: 'api_calls',
    concurrency: 20,
    maxAttempts: 50,
    backoff: { baseMs: 100, maxMs: 300, jitter: 0.5 },
    onMessage: ({ city }) => breaker.fire(city),
  })
  await db.usePlugin(queue)

  const ended = whenEnded(queue, CALLS)
  for (let i = 0; i < CALLS; i++) await queued<Call>(db, 'api_calls').enqueue({ city: `city ${i}` })
  await ended
  const { completed } = await queue.getStats()
  await queue.stop()
  breaker.shutdown()
  return { answered: completed, calls: api.calls.length, opened, elapsedMs: api.elapsedMs }
}
