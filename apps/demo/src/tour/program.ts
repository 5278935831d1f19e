/** The scenes in their order, each by the name of its file. */
import type { Scene } from './scene.ts'
import { backoff } from './scenes/backoff.ts'
import { balance } from './scenes/balance.ts'
import { cancel } from './scenes/cancel.ts'
import { deadLetters } from './scenes/dead-letters.ts'
import { delays } from './scenes/delays.ts'
import { duplicates } from './scenes/duplicates.ts'
import { oneShot } from './scenes/one-shot.ts'
import { outcomes } from './scenes/outcomes.ts'
import { pause } from './scenes/pause.ts'
import { payloads } from './scenes/payloads.ts'
import { priority } from './scenes/priority.ts'
import { progress } from './scenes/progress.ts'
import { schema } from './scenes/schema.ts'

export const PROGRAM: Readonly<Record<string, Scene>> = {
  ...{ delays, priority, backoff, outcomes, duplicates, cancel, progress },
  ...{ 'dead-letters': deadLetters, pause, schema, payloads, 'one-shot': oneShot, balance },
}
