/**
 * Tells all others what the writer knows of the workers: one object, written when that has changed.
 *
 * Owns what is known of that object. It is written upon what was seen last, so that nothing that lands late, from here or from an earlier writer,
 * takes the place of what is newer; and a writer that finds the word of a later one there keeps quiet, whether it knows of its end or not.
 */
import type { TransportQueue, WriterTerm } from '@s3queue/core/transport'
import { create, type ETag, ifMatch } from '@s3queue/storage'
import { registryKey } from '../keys.ts'
import { decodeRecord, encodeRecord, type RegistryRecord } from './record.ts'

/** What a publisher needs of a term. */
export interface PublishingTerm extends Pick<WriterTerm, 'signal' | 'trouble'> {
  readonly queue: Pick<TransportQueue, 'store' | 'prefix'>
}

interface Told {
  readonly etag: ETag | undefined
  readonly news: string
  /** Of the writer that told it; 0 if that is not known. */
  readonly epoch: number
}

export class Publisher {
  readonly #term: PublishingTerm
  readonly #key: string
  /** What is there, in short; undefined when that has to be looked up. */
  #there: Told | undefined
  #revision = 0

  constructor(term: PublishingTerm) {
    this.#term = term
    this.#key = registryKey(term.queue.prefix)
  }

  /** Sees to it that `record` is there, unless nobody was ever told anything and there is nobody to tell of. Rejects with `StoreError`s. */
  async publish(record: RegistryRecord): Promise<void> {
    const { queue, signal, trouble } = this.#term
    const news = newsOf(record)
    this.#there ??= await this.#look()
    const { etag, news: told, epoch } = this.#there
    if (epoch > record.epoch || news === told || (etag === undefined && record.workers.length === 0)) return
    const condition = etag === undefined ? create : ifMatch(etag)
    this.#there = undefined
    const body = encodeRecord({ ...record, revision: ++this.#revision })
    const put = await queue.store.put(this.#key, body, { condition, signal })
    if (put.outcome === 'stored') this.#there = { etag: put.etag, news, epoch: record.epoch }
    else if (put.outcome === 'unknown') trouble(put.error)
  }

  async #look(): Promise<Told> {
    const { queue, signal } = this.#term
    const answer = await queue.store.get(this.#key, { signal })
    if (answer.outcome !== 'found') return { etag: undefined, news: '', epoch: 0 }
    const record = decodeRecord<RegistryRecord>(answer.body)
    const { etag } = answer
    return 'workers' in record ? { etag, news: newsOf(record), epoch: record.epoch } : { etag, news: '', epoch: 0 }
  }
}

/** What of it is worth telling. */
function newsOf({ epoch, writer, workers }: RegistryRecord): string {
  return JSON.stringify([epoch, writer, workers.map(({ id, lastError }) => [id, lastError])])
}
