/** What somebody threw, as an error. Not everybody throws errors: what says something in words of its own keeps them. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  if (typeof thrown !== 'object' || thrown === null) return new Error(String(thrown))
  const { name, message, retriable } = thrown as Readonly<Record<string, unknown>>
  const error = new Error(typeof message === 'string' ? message : textOf(thrown), { cause: thrown })
  if (typeof name === 'string') error.name = name
  return typeof retriable === 'boolean' ? Object.assign(error, { retriable }) : error
}

function textOf(thrown: object): string {
  try {
    return JSON.stringify(thrown)
  } catch {
    return String(thrown)
  }
}
