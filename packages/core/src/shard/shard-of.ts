/** Which log of a queue a message is in, by its id: ids that the queue gives say so. */

/** Who numbers messages: 16 characters, and behind a dot the number of the log if it is not the first. */
const NUMBERED = /^[0-9A-HJKMNP-TV-Z]{16}(?:\.([1-9]\d{0,3}))?-[0-9a-z]+$/

/** The name of a sender to log `shard`, from a nonce of 16 characters. */
export function senderFor(shard: number, nonce: string): string {
  return shard === 0 ? nonce : `${nonce}.${shard}`
}

/** The log that a message is in; undefined if its id was not given by the queue and says nothing of it. */
export function shardOf(id: string): number | undefined {
  const numbered = NUMBERED.exec(id)
  return numbered === null ? undefined : Number(numbered[1] ?? 0)
}
