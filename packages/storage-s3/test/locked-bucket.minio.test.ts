/**
 * A bucket with object lock and a default retention, behind a front that demands a checksum with each write, as Amazon S3 does for such a bucket
 * and MinIO does not.
 */
import { randomBytes } from 'node:crypto'
import { createServer, request as forward, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { create, ifMatch, overwrite, type PutCondition } from '@s3queue/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createS3Store, type S3Store } from '../src/index.ts'
import { s3Error } from './scripted-server.ts'

const s3 = inject('s3')

describe.skipIf(s3.kind === 'missing')('in a bucket with object lock', () => {
  const { endpoint, region, credentials } =
    s3.kind === 'ready' ? s3 : { endpoint: 'http://127.0.0.1:9', region: 'nowhere', credentials: undefined }
  const bucket = `locked-${randomBytes(6).toString('hex')}`
  const client = new S3Client({ endpoint, region, forcePathStyle: true, ...(credentials && { credentials }) })
  const opened: S3Store[] = []
  let front: Server

  const open = (changes: object = {}): S3Store => {
    const { port } = front.address() as AddressInfo
    const store = createS3Store({ bucket, region, credentials, endpoint: `http://127.0.0.1:${port}`, ...changes })
    opened.push(store)
    return store
  }

  beforeAll(async () => {
    front = await startFront(endpoint)
    await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }))
    await client.send(
      new PutObjectLockConfigurationCommand({
        Bucket: bucket,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
        },
      }),
    )
  })
  afterAll(() => {
    for (const store of opened) store.destroy()
    client.destroy()
    front.closeAllConnections()
    front.close()
  })

  test('conditions hold, also in a race of writers that do not know yet that a checksum is needed', async () => {
    const stores = Array.from({ length: 8 }, () => open({ prefix: 'race' }))
    let bodies = 0
    const outcomes = async (condition: PutCondition): Promise<string[]> => {
      const puts = await Promise.all(stores.map((store) => store.put('k', new Uint8Array([bodies++]), { condition })))
      return puts.map(({ outcome }) => outcome).sort()
    }
    const oneWins = [...Array<string>(7).fill('precondition-failed'), 'stored']
    expect(await outcomes(create)).toEqual(oneWins)
    const [store] = stores
    const read = await store?.get('k')
    expect(await outcomes(ifMatch(read?.outcome === 'found' ? read.etag : ''))).toEqual(oneWins)
    await store?.delete(['k', 'other'])
    expect((await store?.list({ prefix: '' }))?.entries).toEqual([])
    expect(await outcomes(create)).toEqual(oneWins)
  })

  test('every write of a key stays as a version, and a delete adds a marker', async () => {
    const store = open({ prefix: 'versions' })
    const body = new Uint8Array(3)
    await store.put('k', body, { condition: create })
    for (let round = 0; round < 4; round++) await store.put('k', body, { condition: overwrite })
    await store.delete(['k'])
    expect(await store.get('k')).toMatchObject({ outcome: 'not-found' })
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: 'versions/k' }))
    expect({ versions: listed.Versions?.length, markers: listed.DeleteMarkers?.length }).toEqual({
      versions: 5,
      markers: 1,
    })
  })
})

/** Passes every request on to `target`, except writes of objects without a checksum. */
async function startFront(target: string): Promise<Server> {
  const { hostname, port } = new URL(target)
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    const isWrite = method === 'PUT' && (url ?? '').split('?', 1)[0]?.split('/').length !== 2
    if (isWrite && !hasChecksum(headers)) {
      const { status, headers: more, body = '' } = s3Error(400, 'InvalidRequest')
      const words =
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters'
      request.resume().once('end', () => {
        response.writeHead(status ?? 400, more)
        response.end(body.replace('Words about InvalidRequest', words))
      })
      return
    }
    const onward = forward({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function hasChecksum(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some((name) => name === 'content-md5' || name.startsWith('x-amz-checksum-'))
}
