/** The other side of `contestant.ts`. */
import { once } from 'node:events'
import type { Said, Taken, Task } from './contestant.ts'
import { CONTESTANTS } from './contestants.ts'
import type { Counted } from './counting-proxy.ts'
import { run } from './run.ts'

function say(said: Said): void {
  process.send?.(said)
}

async function take(): Promise<Counted> {
  say({ kind: 'take' })
  const [taken] = (await once(process, 'message')) as [Taken]
  return taken.counted
}

const [{ key, ...options }] = (await once(process, 'message')) as [Task]
const contestant = CONTESTANTS.find((each) => each.key === key)
if (contestant === undefined) throw new Error(`There is no contestant ${key}.`)
say({ kind: 'done', outcome: await run(contestant, { ...options, take }) })
