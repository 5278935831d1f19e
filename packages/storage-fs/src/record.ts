/**
 * A record is one file: a line that says what it is, then the body. It is written once, under a name that nobody else looks at,
 * and never changed afterwards. Nonce, length, checksum and key in that line tell a whole record from one that was cut
 * off, overwritten, moved, or found under the name of another key (on file systems that do not tell `A` from `a`).
 */
import { crc32 } from 'node:zlib'
import { StoreError, UnsupportedStore } from '@s3queue/storage'
import { damagedFile } from './failure.ts'
import { ABSENT, type FileFacts, type FileSystem, type OpenFile, unless } from './file-system.ts'
import { NONCE_LENGTH } from './layout.ts'

const MAGIC = 's3queue-object 1'
const LENGTH_DIGITS = 13
const HEAD = /^s3queue-object 1 ([0-9A-Z]{16}) (\d{13}) ([0-9a-f]{8}) ([!-~]+)$/
/** Four spaces, the line's end, and the checksum's eight digits. */
const HEAD_BYTES = MAGIC.length + NONCE_LENGTH + LENGTH_DIGITS + 8 + 5
/** Read at first: the head for certain, and the whole of most records. */
const FIRST_READ_BYTES = 16 * 1024

export interface RecordHead {
  readonly nonce: string
  /** Bytes of the body. */
  readonly length: number
  /** CRC-32 of the body. */
  readonly checksum: number
  readonly key: string
}

export interface OpenRecord {
  readonly path: string
  readonly head: RecordHead
  readonly facts: FileFacts
  /** The body, in a buffer of its own. Throws `StoreUnavailable` if it is not what was written. */
  body(): Promise<Uint8Array>
  close(): Promise<void>
}

/** How many bytes stand before the body of an object with this key. */
export function headBytes(key: string): number {
  return HEAD_BYTES + key.length
}

/** Writes the whole record to a file that must not exist yet. With `sync` it has reached the disk afterwards, except for its name. */
export async function writeRecord(
  fs: FileSystem,
  path: string,
  { key, nonce, body, sync }: { key: string; nonce: string; body: Uint8Array; sync: boolean },
): Promise<void> {
  const length = String(body.byteLength).padStart(LENGTH_DIGITS, '0')
  const checksum = crc32(body).toString(16).padStart(8, '0')
  const file = await fs.open(path, 'create')
  try {
    const head = Buffer.from(`${MAGIC} ${nonce} ${length} ${checksum} ${key}\n`)
    await file.write(Buffer.concat([head, body.subarray(0, FIRST_READ_BYTES)]))
    if (body.byteLength > FIRST_READ_BYTES) await file.write(body.subarray(FIRST_READ_BYTES))
    if (sync) await file.sync()
  } finally {
    await file.close()
  }
}

/** Opens the record of `key` at `path`; undefined if no file is there. Throws `StoreUnavailable` if it is damaged. */
export async function openRecord(fs: FileSystem, path: string, key: string): Promise<OpenRecord | undefined> {
  const file = await unless(ABSENT, fs.open(path, 'read'))
  if (file === undefined) return undefined
  try {
    const facts = await file.facts()
    if (!facts.isDirectory) return await readHead(file, path, key, facts)
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

/** For `catch`: undefined for a damaged record; throws every other error. */
export function ignoreDamage(error: unknown): undefined {
  if (error instanceof StoreError && error.code === 'STORE_UNAVAILABLE') return undefined
  throw error
}

async function readHead(file: OpenFile, path: string, key: string, facts: FileFacts): Promise<OpenRecord> {
  const start = new Uint8Array(Math.min(facts.size, FIRST_READ_BYTES))
  const got = await file.read(start, 0)
  const head = parseHead(start.subarray(0, got))
  if (head === undefined) throw damagedFile(path, `its ${facts.size} bytes do not begin as they should`, key)
  if (head.key !== key) throw misplaced(path, head.key, key)
  const offset = headBytes(key)
  if (facts.size !== offset + head.length) {
    throw damagedFile(path, `it has ${facts.size} bytes of the ${offset + head.length} that were written`, key)
  }
  return {
    path,
    head,
    facts,
    async body() {
      const body = new Uint8Array(head.length)
      const first = start.subarray(offset)
      body.set(first)
      await file.read(body.subarray(first.byteLength), offset + first.byteLength)
      if (crc32(body) !== head.checksum) throw damagedFile(path, 'its content does not match its checksum', key)
      return body
    },
    close: () => file.close(),
  }
}

/** The head at the beginning of `bytes`, or undefined if there is none. */
export function parseHead(bytes: Uint8Array): RecordHead | undefined {
  const end = bytes.indexOf(0x0a)
  if (end < 0) return undefined
  const [, nonce, length, checksum, key] = HEAD.exec(Buffer.from(bytes.subarray(0, end)).toString('latin1')) ?? []
  if (nonce === undefined || length === undefined || checksum === undefined || key === undefined) return undefined
  return { nonce, length: Number(length), checksum: Number.parseInt(checksum, 16), key }
}

function misplaced(path: string, found: string, key: string): Error {
  if (found.toLowerCase() !== key.toLowerCase()) {
    return damagedFile(path, `it holds the object ${JSON.stringify(found)}, so it was moved or copied here`, key)
  }
  return new UnsupportedStore(
    `The keys ${JSON.stringify(found)} and ${JSON.stringify(key)} are one file on this file system (${path}), which does not tell ` +
      'upper case from lower case. Use one that does, or keys that differ in more than that.',
    { key },
  )
}
