import { expect, test } from 'vitest'
import { s3Error, s3List } from './scripted-server.ts'
import { failureOf, scriptedStore } from './scripted-store.ts'

const keysOf = (entries: readonly { readonly key: string }[]): string[] => entries.map(({ key }) => key)

test('keys come relative to the prefix of the store, with their sizes', async () => {
  const { server, store } = await scriptedStore({ prefix: 'team' })
  server.reply(s3List(['team/log/1', 'team/log/2']))
  const result = await store.list({ prefix: 'log/', startAfter: 'log/0', limit: 2 })
  expect(result).toMatchObject({
    entries: [
      { key: 'log/1', size: 3 },
      { key: 'log/2', size: 3 },
    ],
    truncated: false,
  })
  expect(result.storeTimeMs).toEqual(expect.any(Number))
  const query = Object.fromEntries(server.requests[0]?.query ?? [])
  expect(query).toMatchObject({ 'list-type': '2', prefix: 'team/log/', 'start-after': 'team/log/0', 'max-keys': '2' })
})

test('more to come: truncated', async () => {
  const { server, store } = await scriptedStore()
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'
  server.reply(s3List(['a'], more))
  expect(await store.list({ prefix: '', limit: 1 })).toMatchObject({ truncated: true })
  expect(server.requests).toHaveLength(1)
})

test('a server with an order of its own: sorted by bytes', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3List(['d/b', 'd/c', 'd-b', 'D']))
  expect(keysOf((await store.list({ prefix: '' })).entries)).toEqual(['D', 'd-b', 'd/b', 'd/c'])
})

test('a server that ignores start-after: goes on until there is something behind it', async () => {
  const { server, store } = await scriptedStore()
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>'
  server.reply(s3List(['a', 'b'], more), s3List(['c', 'd']))
  const { entries, truncated } = await store.list({ prefix: '', startAfter: 'b', limit: 2 })
  expect([keysOf(entries), truncated]).toEqual([['c', 'd'], false])
  expect(server.requests[1]?.query.get('continuation-token')).toBe('t1')
})

test('a server that ignores max-keys: cut to the limit, truncated', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3List(['a', 'b', 'c']))
  const { entries, truncated } = await store.list({ prefix: '', limit: 2 })
  expect([keysOf(entries), truncated]).toEqual([['a', 'b'], true])
})

test('folders that a console made are left out', async () => {
  const { server, store } = await scriptedStore({ prefix: 'team' })
  server.reply(s3List(['team/', 'team/x/', 'team/x/1']))
  expect(keysOf((await store.list({ prefix: '' })).entries)).toEqual(['x/1'])
})

test.each([
  ['text', { body: 'Welcome to this network' }],
  ['a page', { body: '<html><body>Welcome</body></html>' }],
  ['nothing', {}],
])('%s with status 200 is no empty list', async (_name, reply) => {
  const { server, store } = await scriptedStore()
  server.reply(reply)
  expect(await failureOf(store.list({ prefix: '' }))).toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

test('an error', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(404, 'NoSuchBucket'))
  expect(await failureOf(store.list({ prefix: 'a/' }))).toMatchObject({ code: 'NO_SUCH_BUCKET', key: 'a/' })
})

test.each([{ prefix: 'a' }, { prefix: '', limit: 0 }, { prefix: '', limit: 1001 }])(
  '%o is refused',
  async (options) => {
    const { server, store } = await scriptedStore()
    expect(await failureOf(store.list(options))).toMatchObject({ code: 'INVALID_REQUEST' })
    expect(server.requests).toHaveLength(0)
  },
)
