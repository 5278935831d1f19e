/** What to do about a failure, in a sentence. Empty where the store's own words say it all. */

import type { Attempt } from './attempt.ts'
import type { Failure } from './failure.ts'
import { lacksChecksum } from './write-checksums.ts'

const SESSION_ENDED = new Set([
  'ExpiredToken',
  'InvalidToken',
  'InvalidTokenId',
  'TokenRefreshRequired',
  'RequestExpired',
])

export function hintFor(failure: Failure, attempt: Attempt): string {
  const { status, code } = failure
  if (status === undefined) return localHint(failure)
  if (code === 'NoSuchBucket') {
    return `Create the bucket (aws s3api create-bucket --bucket ${attempt.bucket}, or createBucket() of this package), or check its name and the endpoint.`
  }
  if (code === 'RequestTimeTooSkewed') return skewHint(failure, attempt)
  if (code === 'InvalidAccessKeyId' || code === 'SignatureDoesNotMatch') return 'Check the access key and its secret.'
  if (SESSION_ENDED.has(code)) {
    return 'The session has ended: get new temporary credentials, or give a function as "credentials" that does. It is asked again when that happens.'
  }
  if (lacksChecksum(failure)) {
    return 'The bucket demands a checksum with each write, as buckets with object lock do, and did not take the one that was sent. Set the option "requestChecksumCalculation" to "WHEN_SUPPORTED", or use a bucket without object lock.'
  }
  // RustFS says it in the words of a 500.
  if (code === 'MaxVersionsExceeded' || /limit on the number of versions/.test(failure.text)) {
    return 'The server keeps no more versions of one object, and versioning is on: add a lifecycle rule that expires noncurrent versions, or use a bucket without versioning.'
  }
  if (status === 403 || status === 401) {
    return (
      'The credentials need s3:GetObject, s3:PutObject and s3:DeleteObject on the objects and s3:ListBucket on the bucket; ' +
      'without the last, S3 also answers 403 for objects that are missing.'
    )
  }
  if (status === 501 || status === 405) {
    return 'The server does not offer this request or its condition. Use a server with atomic conditional writes.'
  }
  if (status === 301 || code === 'AuthorizationHeaderMalformed' || code === 'PermanentRedirect') {
    const { bucketRegion } = failure
    return bucketRegion === undefined
      ? 'Check the option "region".'
      : `The bucket is in ${bucketRegion}: set the option "region".`
  }
  if (status === 404 && code === '')
    return 'That is no answer of an S3 server about an object: check the endpoint and what stands in between.'
  return ''
}

function localHint({ code, text }: Failure): string {
  switch (code) {
    case 'CredentialsNotRenewed':
      return 'The credentials worked before: what hands them out does not answer now.'
    case 'NoCredentials':
      return (
        'Give the option "credentials"; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or a profile (AWS_PROFILE, ~/.aws/credentials, ' +
        'aws sso login); or run with a role (IRSA or pod identity on EKS, a task role on ECS, an instance profile on EC2).'
      )
    case 'ECONNREFUSED':
      return 'Nothing listens there: check the endpoint, and that the server runs.'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The host name cannot be resolved: check the endpoint and the region.'
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'The server does not speak TLS there: does the endpoint begin with http://?'
    default:
      return /^Region is missing/.test(text) ? 'Give the option "region", or set AWS_REGION.' : ''
  }
}

function skewHint({ storeTimeMs }: Failure, { nowMs }: Attempt): string {
  const seconds = storeTimeMs === undefined ? undefined : Math.round((nowMs - storeTimeMs) / 1000)
  const how = seconds === undefined ? 'wrong' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
  return `The clock of this machine is ${how}; S3 takes requests signed within 15 minutes of its own time. Set the clock (NTP).`
}
