/** A handler can say when to come back: as a failed attempt, or as none at all. */
import { retry, snooze } from '@s3queue/core'
import type { Scene } from '../scene.ts'

export const outcomes: Scene = {
  title: 'Come back later: retry({ afterMs }) and snooze(ms)',
  async play({ queue, say, check }) {
    await queue.enqueueMany(['service is busy', 'shop is closed'])

    const visits: { payload: unknown; attempt: number; at: number }[] = []
    const worker = queue.process(({ payload }, { attempt }) => {
      const isFirst = visits.every((visit) => visit.payload !== payload)
      visits.push({ payload, attempt, at: Date.now() })
      if (isFirst) return payload === 'shop is closed' ? snooze(150) : retry({ afterMs: 150, reason: 'busy' })
    })
    await queue.drain()
    await worker.stop()

    const retried = visits.filter(({ payload }) => payload === 'service is busy')
    const snoozed = visits.filter(({ payload }) => payload === 'shop is closed')
    say(`retry({ afterMs: 150 }): attempt ${retried.map(({ attempt }) => attempt).join(', then ')}.`)
    say(`snooze(150): attempt ${snoozed.map(({ attempt }) => attempt).join(', then still ')}.`)
    check('a retry costs an attempt', retried.map(({ attempt }) => attempt).join() === '1,2')
    check('a snooze costs none', snoozed.map(({ attempt }) => attempt).join() === '1,1')
    const waited = ([first, second]: typeof visits): number => Number(second?.at) - Number(first?.at)
    check('both came back, and not too early', waited(retried) >= 150 && waited(snoozed) >= 150)
  },
}
