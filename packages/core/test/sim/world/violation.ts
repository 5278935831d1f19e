/** Something that must never happen, happened. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Throws a `Violation` unless `condition` holds. */
export function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Violation(message)
}
