import type { Random } from '@s3queue/storage'
import * as core from './code-under-test.ts'
import { drawProfile, type Profile } from './profile.ts'
import type { Subject } from './subject.ts'
import { drawVariety } from './variety.ts'
import { WEATHERS } from './weather.ts'
import { swarm, VARIED_ACTIONS } from './weights.ts'

/** The core alone: only the writer's process handles messages. */
export const CORE: Subject = {
  name: '@s3queue/core',
  core,
  entry: 'core/test/sim/run/code-under-test.ts',
  drawProfile: drawVaried,
  weathers: WEATHERS,
}

function drawVaried(random: Random): Profile {
  const profile = drawProfile(random)
  const variety = drawVariety(random)
  return { ...profile, variety, actions: { ...profile.actions, ...swarm(random, VARIED_ACTIONS, []) } }
}
