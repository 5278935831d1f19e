/** Many processes on one queue, with the mailbox transport: as a subject for the simulation of the core. */
import type { Random } from '@s3queue/storage'
import { drawProfile, type Profile } from '../../../../core/test/sim/run/profile.ts'
import type { Subject, Witness } from '../../../../core/test/sim/run/subject.ts'
import { BLOWS, SPOTS, swarm } from '../../../../core/test/sim/run/weights.ts'
import { between, chance, spread } from '../../../../core/test/sim/world/draw.ts'
import type { World } from '../../../../core/test/sim/world/world.ts'
import { idleRequests } from '../checks/idle-requests.ts'
import { MailboxWatch } from '../checks/mailbox-watch.ts'
import * as core from './code-under-test.ts'
import { WEATHERS } from './weather.ts'

/** Where pods are weak, beside the spots of the core. */
const POD_SPOTS = {
  ...SPOTS,
  'put /mailboxes/': 4,
  'get /mailboxes/': 3,
  'delete /mailboxes/': 1,
  'put /workers/': 1,
  'get /workers/': 1,
  'put /registry': 1,
  'list /workers/': 1,
} as const

export const PODS: Subject = {
  name: '@s3queue/coordinator',
  core,
  entry: 'coordinator/test/sim/run/code-under-test.ts',
  drawProfile: drawPods,
  weathers: WEATHERS,
  idleRequests,
  attend,
}

function attend(world: World): Witness {
  const shards = Math.max(1, ...(world.profile.shards ?? []))
  const watches = Array.from({ length: shards }, (_, index) => new MailboxWatch(world, index))
  return {
    async quiet(crew) {
      for (const watch of watches) await watch.quiet(crew)
    },
    async closed() {
      for (const watch of watches) await watch.closed()
    },
  }
}

function drawPods(random: Random): Profile {
  const profile = drawProfile(random)
  const heartbeatIntervalMs = spread(random, 100, 5_000)
  return {
    ...profile,
    processes: spread(random, 3, 50),
    startWorking: between(random, 0.4, 1),
    actions: { ...profile.actions, restartWork: chance(random, 0.5) ? 0 : 4 },
    spots: swarm(random, POD_SPOTS, ['put /log/', 'put /mailboxes/']),
    blows: swarm(random, BLOWS, ['pause', 'stall']),
    transport: {
      heartbeatIntervalMs,
      heartbeatTtlMs: spread(random, 2 * heartbeatIntervalMs, 20_000),
      dispatchIntervalMs: spread(random, 10, 1_000),
    },
  }
}
