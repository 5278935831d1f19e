/** Where trouble is reported that no call can be told of. `console` fits, and so do pino and most loggers. */
export interface Logger {
  warn(message: string): void
  error(message: string): void
}
