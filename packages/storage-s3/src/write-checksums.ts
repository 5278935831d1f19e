/**
 * Checksums of writes, for buckets that demand them: with object lock and a default retention, S3 refuses a write without one. Several
 * servers refuse the newer checksum headers, so a store sends none until its bucket has asked, and then the one that it asked for.
 *
 * State: which checksum the bucket asked for.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Failure } from './failure.ts'

type Checksum = 'none' | 'crc32' | 'md5'

/** The parameters of PutObject that carry a checksum. */
export interface ChecksumParameters {
  readonly ChecksumCRC32?: string
  readonly ContentMD5?: string
}

export class WriteChecksums {
  #current: Checksum = 'none'

  parametersFor(body: Uint8Array): ChecksumParameters {
    switch (this.#current) {
      case 'none':
        return {}
      case 'crc32': {
        const bytes = new Uint8Array(4)
        new DataView(bytes.buffer).setUint32(0, crc32(body))
        return { ChecksumCRC32: Buffer.from(bytes).toString('base64') }
      }
      case 'md5':
        return { ContentMD5: createHash('md5').update(body).digest('base64') }
    }
  }

  /** Whether a write with `sent` was refused for want of a checksum that it can have. If so, writes have it from now on. */
  learnFrom(failure: Failure, sent: ChecksumParameters): boolean {
    const demanded = demandedChecksum(failure)
    if (demanded === undefined) return false
    this.#current = demanded
    return demanded === 'crc32' ? sent.ChecksumCRC32 === undefined : sent.ContentMD5 === undefined
  }
}

/** Whether a write was refused because it had no checksum. Such a write has changed nothing. */
export function lacksChecksum(failure: Failure): boolean {
  return demandedChecksum(failure) !== undefined
}

/**
 * S3 and Backblaze B2 say: "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters".
 * Older servers name Content-MD5 alone. CRC-32 comes first, as MD5 does not exist where Node runs in FIPS mode.
 */
function demandedChecksum({ status, code, text }: Failure): Checksum | undefined {
  if (status !== 400) return undefined
  const isDemand = code === 'MissingContentMD5' || (code === 'InvalidRequest' && /required/i.test(text))
  if (isDemand && /x-amz-checksum|amz-content-checksum/i.test(text)) return 'crc32'
  return isDemand && (code === 'MissingContentMD5' || /content-md5/i.test(text)) ? 'md5' : undefined
}
