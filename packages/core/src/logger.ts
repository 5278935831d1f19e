/** Where a queue reports what no call can be told of. `console` fits, and so do pino and most loggers. */
export interface Logger {
  warn(message: string): void
  error(message: string): void
}

/** Writes to the console, with the product's name in front. */
export const consoleLogger: Logger = {
  warn: (message) => console.warn(`s3queue: ${message}`),
  error: (message) => console.error(`s3queue: ${message}`),
}
