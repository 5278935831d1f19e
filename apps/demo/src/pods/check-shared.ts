/** What must hold besides where several worker processes share the queue. */
import type { Account, Shared } from '../account.ts'
import type { Check } from '../checks.ts'

export function checkShared({ stats, crash, notes }: Account, { workers, ends }: Shared): Check[] {
  const handled = workers.map((worker) => {
    const own = ends.filter((end) => end.worker === worker)
    return own.filter(({ kind }) => kind === 'completed' || kind === 'died').length
  })
  const sum = handled.reduce((a, b) => a + b, 0)
  const next = notes.find(({ kind, by, at }) => crash && kind === 'promoted' && by !== crash.by && at > crash.killedAt)
  return [
    {
      name: 'what the workers handled adds up to what is done',
      holds: sum === stats.completed + stats.dead,
      detail: `${handled.join(' + ')} = ${stats.completed + stats.dead}`,
    },
    {
      name: 'every worker handled some',
      holds: handled.every((count) => count > 0),
      detail: `${handled.filter((count) => count > 0).length} of ${workers.length}`,
    },
    {
      name: 'another worker took over from the one that was killed',
      holds: next !== undefined,
      detail: next === undefined ? 'nobody did' : `${next.by} from ${crash?.by}`,
    },
  ]
}
