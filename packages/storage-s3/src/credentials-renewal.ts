/**
 * Gets new credentials when the store no longer accepts those that a request was signed with. The SDK asks a provider again only when the
 * `expiration` it gave has passed, so a session without one, or one that was revoked early, would stay in use until the process restarts.
 *
 * State: the renewal under way, and when the last one began.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '@s3queue/storage'

/** A provider that keeps returning refused credentials is asked no more often than this. */
const MIN_INTERVAL_MS = 1_000

/** The headers of a signed request, with names in lower case. */
export type SignedHeaders = Readonly<Record<string, string | undefined>>

interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export class CredentialsRenewal {
  readonly #client: S3Client
  readonly #clock: Clock
  #startedAt = Number.NEGATIVE_INFINITY
  /** Resolves to whether the provider returned other credentials. */
  #renewing: Promise<boolean> | undefined

  constructor(client: S3Client, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /**
   * Resolves to true if the client now has credentials other than those that signed the refused request. Requests that are refused
   * together share one renewal. Rejects with the error of the provider.
   */
  async renew(signed: SignedHeaders): Promise<boolean> {
    const known = await this.#client.config.credentials()
    if (!isSignedWith(signed, known)) return true
    const now = this.#clock.monotonic()
    if (this.#renewing === undefined) {
      if (now - this.#startedAt < MIN_INTERVAL_MS) return false
      this.#startedAt = now
      this.#renewing = this.#askAgain(known).finally(() => {
        this.#renewing = undefined
      })
    }
    return this.#renewing
  }

  async #askAgain(known: Identity): Promise<boolean> {
    const renewed: Identity = await this.#client.config.credentials({ forceRefresh: true })
    return (
      renewed.accessKeyId !== known.accessKeyId ||
      renewed.secretAccessKey !== known.secretAccessKey ||
      renewed.sessionToken !== known.sessionToken
    )
  }
}

function isSignedWith(signed: SignedHeaders, { accessKeyId, sessionToken }: Identity): boolean {
  const isSameKey = signed.authorization?.includes(` Credential=${accessKeyId}/`) ?? false
  return isSameKey && signed['x-amz-security-token'] === sessionToken
}
