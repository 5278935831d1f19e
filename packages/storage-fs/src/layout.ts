/**
 * Where everything is, relative to the directory of the store:
 *
 *   a/b/c                        the object `a/b/c` as it was created: its birth
 *   a/b/~<birth>/<version>       what was written over it since; `<version>` is `<12 digits>-<nonce>`
 *   a/b/~<birth>/now~<version>   an empty file whose name says which version is current
 *   .tmp/                        what is being written, and leftovers of processes that crashed
 *
 * A key has neither `~` nor a leading dot in it, so none of these names can be one.
 */
import { dirname, join } from 'node:path'
import type { ETag } from '@s3queue/storage'

/** A later version of an object: the first one after its birth has the number 1. */
export interface Version {
  readonly number: number
  /** The id in its record; makes the names of two writers differ that go for the same number. */
  readonly nonce: string
}

/** What an ETag says: which life of the object, and which version in it (undefined: as it was born). */
export interface ParsedETag {
  readonly birth: string
  readonly version: Version | undefined
}

export const SPARE = '.tmp'
const NOW = 'now~'
const VERSIONS = '~'
const NUMBER_DIGITS = 12
const VERSION = /^(\d{12})-([0-9A-Z]{16})$/
const ETAG = /^([0-9A-Z]{16})(?:-(\d{12}-[0-9A-Z]{16}))?$/

/** Length of the ids of versions, in characters of 5 random bits. */
export const NONCE_LENGTH = 16

export function objectPath(root: string, key: string): string {
  return join(root, key)
}

export function sparePath(root: string, name: string): string {
  return join(root, SPARE, name)
}

/** The directory with the later versions of the object that lies at `path` and was born as `birth`. */
export function versionsPath(path: string, birth: string): string {
  return join(dirname(path), VERSIONS + birth)
}

/** The birth in the name of a version directory; undefined for any other name. */
export function birthOf(name: string): string | undefined {
  return name.startsWith(VERSIONS) ? name.slice(VERSIONS.length) : undefined
}

export function versionName({ number, nonce }: Version): string {
  return `${String(number).padStart(NUMBER_DIGITS, '0')}-${nonce}`
}

export function nowName(version: Version): string {
  return NOW + versionName(version)
}

export function parseVersionName(name: string): Version | undefined {
  const [, digits, nonce] = VERSION.exec(name) ?? []
  return digits === undefined || nonce === undefined ? undefined : { number: Number(digits), nonce }
}

export function parseNowName(name: string): Version | undefined {
  return name.startsWith(NOW) ? parseVersionName(name.slice(NOW.length)) : undefined
}

/** Unique for every version that there ever was: made of random ids, never of the body. */
export function formatETag(birth: string, version: Version | undefined): ETag {
  return version === undefined ? birth : `${birth}-${versionName(version)}`
}

/** Undefined for what is no ETag of this store. */
export function parseETag(etag: ETag): ParsedETag | undefined {
  const [, birth, name] = ETAG.exec(etag) ?? []
  if (birth === undefined) return undefined
  return { birth, version: name === undefined ? undefined : parseVersionName(name) }
}
