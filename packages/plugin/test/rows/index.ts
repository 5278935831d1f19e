import { afterAll, describe } from 'vitest'
import type { Place } from '../support/place.ts'
import { describeBadInput } from './bad-input.ts'
import { describeBehaviour } from './behaviour.ts'
import { describeCoordination } from './coordination.ts'
import { describeErrors } from './errors.ts'
import { describeEvents } from './events.ts'
import { describeHandler } from './handler.ts'
import { describeInstalling } from './installing.ts'
import { describeOptions } from './options.ts'
import { describePluginMethods } from './plugin-methods.ts'
import { describeQueueResource } from './queue-resource.ts'
import { describeResourceMethods } from './resource-methods.ts'

/** Every row that one process can show. */
export function describeRows(place: Place): void {
  describe(`on ${place.name}`, () => {
    afterAll(() => place.dispose())
    describeInstalling(place)
    describeResourceMethods(place)
    describeQueueResource(place)
    describePluginMethods(place)
    describeOptions(place)
    describeCoordination(place)
    describeHandler(place)
    describeErrors(place)
    describeBadInput(place)
    describeEvents(place)
    describeBehaviour(place)
  })
}
