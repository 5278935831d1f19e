/** Which messages a call means: by an id, by several, or by a function. */
import { InvalidOption } from '@s3queue/storage'

/** Throws `InvalidOption` for what is no id. */
export function assertId(who: string, id: unknown): void {
  if (typeof id === 'string') return
  throw new InvalidOption(who, 'id', `must be the id of a message, a string, not ${describeType(id)}.`)
}

/** One id or several, as an array. Throws `InvalidOption` for what is neither: nothing must be taken for "all". */
export function idsOf(who: string, which: string | readonly string[]): readonly string[] {
  const ids: unknown = typeof which === 'string' ? [which] : which
  if (Array.isArray(ids) && ids.every((id) => typeof id === 'string')) return ids
  throw new InvalidOption(who, 'which', `must be an id or an array of ids, not ${describeType(which)}.`)
}

/** What a user's function says of a message. Throws `InvalidOption` for what is no yes or no: a promise would be taken for a yes. */
export function isPicked(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new InvalidOption(
    'redrive',
    'which',
    `must return true or false, not ${answer instanceof Promise ? 'a promise' : typeof answer}.`,
  )
}

function describeType(value: unknown): string {
  return Array.isArray(value) ? 'an array with something else in it' : value === null ? 'null' : `a ${typeof value}`
}
