/**
 * Tells all others what the writer knows of the workers: one object, written when that has changed.
 *
 * Owns what is known of that object. It is written upon what was seen last, so that nothing that lands late, from here or from an earlier writer,
 * takes the place of what is newer.
 */
import type { WriterTerm } from '@s3queue/core/transport'
import { create, type ETag, ifMatch } from '@s3queue/storage'
import { registryKey } from '../keys.ts'
import { decodeRecord, encodeRecord, type RegistryRecord } from './record.ts'

export class Publisher {
  readonly #term: WriterTerm
  readonly #key: string
  /** What is there, in short; undefined when that has to be looked up. */
  #there: { readonly etag: ETag | undefined; readonly news: string } | undefined
  #revision = 0

  constructor(term: WriterTerm) {
    this.#term = term
    this.#key = registryKey(term.queue.prefix)
  }

  /** Sees to it that `record` is there, unless nobody was ever told anything and there is nobody to tell of. Rejects with `StoreError`s. */
  async publish(record: RegistryRecord): Promise<void> {
    const { queue, signal, trouble } = this.#term
    const news = newsOf(record)
    this.#there ??= await this.#look()
    const { etag, news: told } = this.#there
    if (news === told || (etag === undefined && record.workers.length === 0)) return
    const condition = etag === undefined ? create : ifMatch(etag)
    this.#there = undefined
    const body = encodeRecord({ ...record, revision: ++this.#revision })
    const put = await queue.store.put(this.#key, body, { condition, signal })
    if (put.outcome === 'stored') this.#there = { etag: put.etag, news }
    else if (put.outcome === 'unknown') trouble(put.error)
  }

  async #look(): Promise<{ readonly etag: ETag | undefined; readonly news: string }> {
    const { queue, signal } = this.#term
    const answer = await queue.store.get(this.#key, { signal })
    if (answer.outcome !== 'found') return { etag: undefined, news: '' }
    const record = decodeRecord<RegistryRecord>(answer.body)
    return { etag: answer.etag, news: 'workers' in record ? newsOf(record) : '' }
  }
}

/** What of it is worth telling. */
function newsOf({ epoch, writer, workers }: RegistryRecord): string {
  return JSON.stringify([epoch, writer, workers.map(({ id, lastError }) => [id, lastError])])
}
