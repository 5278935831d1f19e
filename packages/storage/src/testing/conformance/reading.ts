/** Small steps that the topics of the suite share: making bodies, and taking apart the answers that must have been good. */
import { expect } from 'vitest'
import type { ETag, GetResult, ObjectStore, PutResult } from '../../port/object-store.ts'

/** All keys below `prefix`, page by page. */
export async function listAll(store: ObjectStore, prefix: string, limit?: number): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const { entries, truncated } = await store.list({ prefix, startAfter: keys.at(-1), limit })
    keys.push(...entries.map((entry) => entry.key))
    if (!truncated) return keys
    expect(entries.length, 'a truncated page has entries').toBeGreaterThan(0)
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

/** The ETag of a write that must have taken place. */
export function storedEtag(result: PutResult): ETag {
  if (result.outcome === 'stored') return result.etag
  const because = result.outcome === 'unknown' ? `: ${result.error.message}` : ''
  return expect.unreachable(`the write should have been stored, but the outcome is ${result.outcome}${because}`)
}

/** Body and ETag of an object that must be there. */
export function foundObject(result: GetResult): { readonly body: Uint8Array; readonly etag: ETag } {
  if (result.outcome === 'found') return { body: result.body, etag: result.etag }
  return expect.unreachable(`the object should have been found, but the outcome is ${result.outcome}`)
}

/** Runs `work` for every item, at most `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const lanes = Array.from({ length: Math.min(width, items.length) }, async () => {
    while (next < items.length) await work(items[next++] as T)
  })
  await Promise.all(lanes)
}
