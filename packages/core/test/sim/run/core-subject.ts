import * as core from '../../../src/index.ts'
import { drawProfile } from './profile.ts'
import type { Subject } from './subject.ts'
import { WEATHERS } from './weather.ts'

/** The core alone: only the writer's process handles messages. */
export const CORE: Subject = {
  ...{ name: '@s3queue/core', core, entry: 'core/src/index.ts' },
  ...{ drawProfile, weathers: WEATHERS },
}
