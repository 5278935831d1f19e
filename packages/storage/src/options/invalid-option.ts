/** An option that is unknown or has a value it cannot have. Bad values are rejected, never bent into shape. */
export class InvalidOption extends Error {
  readonly code = 'INVALID_OPTION'
  /** Whose option it is: `withRetries`. */
  readonly owner: string
  readonly option: string

  constructor(owner: string, option: string, problem: string) {
    super(`${owner}: the option ${JSON.stringify(option)} ${problem}`)
    this.name = 'InvalidOption'
    this.owner = owner
    this.option = option
  }
}
