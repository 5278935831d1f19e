/** `plugin.config`: the options of a plugin. Its handlers can be replaced while it runs; everything else is fixed when the plugin is created. */
import type { S3QueueOptions } from './options.ts'

type Replaceable = 'onMessage' | 'onError' | 'onComplete'

export type PluginConfig<Task> = Omit<S3QueueOptions<Task>, Replaceable> & {
  -readonly [Name in Replaceable]?: S3QueueOptions<Task>[Name]
}

const REPLACEABLE: readonly string[] = ['onMessage', 'onError', 'onComplete'] satisfies Replaceable[]

/** A copy, so that plugins made of the same options do not share it. An assignment that would have no effect throws a `TypeError`. */
export function makeConfig<Task>(options: S3QueueOptions<Task>): PluginConfig<Task> {
  const config: PluginConfig<Task> = { onMessage: undefined, onError: undefined, onComplete: undefined, ...options }
  for (const name of Object.keys(config))
    if (!REPLACEABLE.includes(name)) Object.defineProperty(config, name, { writable: false, configurable: false })
  return Object.preventExtensions(config)
}
