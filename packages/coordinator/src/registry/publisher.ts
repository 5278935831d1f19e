/**
 * Tells all others what the writer knows of the workers: one object, written when that has changed.
 *
 * Owns what is known of that object. It is written upon what was seen last, so that nothing that lands late, from here or from an earlier writer,
 * takes the place of what is newer; and a writer that finds the word of a later one there keeps quiet, whether it knows of its end or not.
 */
import type { TransportQueue, WriterTerm } from '@s3queue/core/transport'
import { decodeFrame } from '@s3queue/primitives'
import { create, type ETag, type GetResult, ifMatch, ObjectTooLarge } from '@s3queue/storage'
import { registryKey } from '../keys.ts'
import { decodeRegistry, encodeRecord, MAX_REGISTRY_BYTES, type RegistryRecord } from './record.ts'

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
    const body = encodeRecord(this.#key, { ...record, revision: ++this.#revision })
    const put = await queue.store.put(this.#key, body, { condition, signal })
    if (put.outcome === 'stored') this.#there = { etag: put.etag, news, epoch: record.epoch }
    else if (put.outcome === 'unknown') trouble(put.error)
  }

  /** A registry that cannot be read is replaced: the writer knows all that was in it. */
  async #look(): Promise<Told> {
    const { queue } = this.#term
    const answer = await this.#get()
    if (answer.outcome !== 'found') return { etag: undefined, news: '', epoch: 0 }
    const { etag, body } = answer
    const frame = decodeFrame(body, this.#key)
    if (typeof frame === 'string') return { etag, news: '', epoch: 0 }
    try {
      const record = decodeRegistry(this.#key, frame.body, queue.store.description)
      return { etag, news: newsOf(record), epoch: record.epoch }
    } catch {
      return { etag, news: '', epoch: 0 }
    }
  }

  async #get(): Promise<GetResult> {
    const { queue, signal, trouble } = this.#term
    try {
      return await queue.store.get(this.#key, { maxBytes: MAX_REGISTRY_BYTES, signal })
    } catch (error) {
      if (!(error instanceof ObjectTooLarge)) throw error
      trouble(error)
      await queue.store.delete([this.#key], { signal })
      return { outcome: 'not-found' }
    }
  }
}

/** What of it is worth telling. */
function newsOf({ epoch, writer, workers }: RegistryRecord): string {
  return JSON.stringify([epoch, writer, workers.map(({ id, lastError }) => [id, lastError])])
}
