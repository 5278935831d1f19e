/** The plugin's storage as s3db.js has it, in which valid claims show up as locks: `storage.list('locks')`. */
import { PluginStorage } from 's3db.js'

type Client = ConstructorParameters<typeof PluginStorage>[0]

export class ClaimStorage extends PluginStorage {
  readonly #claims: () => Promise<readonly string[]>

  /** `claims`: ids of the messages that are in somebody's hands. */
  constructor(client: object, slug: string, claims: () => Promise<readonly string[]>) {
    super(client as Client, slug)
    this.#claims = claims
  }

  /** Keys that begin with `prefix`, relative to the storage; there is no object behind a lock, only a claim in the queue's log. */
  override async list(prefix: string = '', options: { limit?: number } = {}): Promise<string[]> {
    const locks = /^locks(\/|$)/.test(prefix)
      ? (await this.#claims()).map((id) => this.getPluginKey(null, 'locks', id))
      : []
    const keys = [
      ...locks.filter((key) => key.startsWith(this.getPluginKey(null, prefix))),
      ...(await super.list(prefix, options)),
    ]
    return options.limit === undefined ? keys : keys.slice(0, options.limit)
  }
}
