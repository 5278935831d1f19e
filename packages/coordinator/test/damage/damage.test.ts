/**
 * The damage matrix: every object of a queue, damaged in every way. Each reader and each writer answers as if nothing had happened, or names an
 * object in an error. No answer is silently wrong, and nothing waits forever.
 */
import { CorruptObject, decodeFrame } from '@s3queue/primitives'
import { overwrite } from '@s3queue/storage'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Damage, damagesOf, flipped } from './damages.ts'
import {
  type Handled,
  handleAll,
  makeScene,
  PREFIX,
  readAll,
  reopen,
  type Scene,
  type Site,
  workUnder,
} from './scene.ts'

const KINDS = [
  'log/',
  'snapshots/',
  'payloads/',
  'inbox/',
  'mailboxes/',
  'workers/',
  'base',
  'bell',
  'writer',
  'registry',
]
/** Nothing in these objects is worth an error: they are replaced, and all messages are handled. */
const REPLACED = ['mailboxes/', 'workers/', 'bell', 'writer', 'registry']

let scene: Scene
let truth: ReadonlyMap<string, unknown>
let handled: Handled

beforeAll(async () => {
  scene = await makeScene()
  truth = await readAll(await reopen(scene, scene.objects))
  handled = await handleAll(await reopen(scene, scene.objects))
})

function keysOf(kind: string): string[] {
  return [...scene.objects.keys()].filter((key) => key.startsWith(`${PREFIX}${kind}`))
}

async function damaged(key: string, { body }: Damage): Promise<Site> {
  const objects = new Map(scene.objects)
  if (body === undefined) objects.delete(key)
  else objects.set(key, body)
  return reopen(scene, objects)
}

/** The message of a deleted inbox object: nothing else names it. */
function isForgotten(key: string, { body }: Damage): boolean {
  return body === undefined && key.startsWith(`${PREFIX}inbox/`)
}

describe('a queue without damage', () => {
  it('has objects of every kind, and all answers', () => {
    for (const kind of KINDS) expect([kind, keysOf(kind).length > 0]).toEqual([kind, true])
    expect([...truth.entries()].filter(([, answer]) => answer instanceof Error).map(([what]) => what)).toEqual([
      'payload of done',
    ])
    expect(truth.get('stats')).toMatchObject({ completed: 1, dead: 1, total: 8 })
    expect([...handled.payloads.keys()].sort()).toEqual(['delayed', 'first', 'held', 'inbox', 'large', 'second'])
  })
})

describe.each(KINDS)('a damaged object below %s', (kind) => {
  it('gives readers the right answer, or an error that names an object', { timeout: 120_000 }, async () => {
    for (const key of keysOf(kind)) {
      for (const damage of damagesOf(scene, key)) {
        if (isForgotten(key, damage)) continue
        const site = await damaged(key, damage)
        const answers = await readAll(site)
        const isNamed = [...site.named].some((name) => name.startsWith(PREFIX))
        for (const [what, answer] of answers) {
          const expected = truth.get(what)
          const where = `${what}, with ${key}: ${damage.name}`
          if (answer instanceof CorruptObject) expect(answer.key.startsWith(PREFIX)).toBe(true)
          else if (answer instanceof Error && !(expected instanceof Error))
            expect([where, isNamed]).toEqual([where, true])
          // What an object of the inbox holds is left out once the object is reported.
          else if (!(key.startsWith(`${PREFIX}inbox/`) && isNamed)) expect([where, answer]).toEqual([where, expected])
        }
      }
    }
  })

  const isReplaced = REPLACED.includes(kind)
  const end = isReplaced ? '' : ', or is named in an error'
  it(`lets a new writer handle all messages${end}`, { timeout: 240_000 }, async () => {
    for (const key of keysOf(kind)) {
      for (const damage of damagesOf(scene, key)) {
        if (isForgotten(key, damage)) continue
        const site = await damaged(key, damage)
        const { payloads, stats } = await handleAll(site)
        const where = `with ${key}: ${damage.name}`
        for (const [id, payload] of payloads)
          expect([where, id, payload]).toEqual([where, id, handled.payloads.get(id)])
        const isWhole =
          payloads.size === handled.payloads.size && JSON.stringify(stats) === JSON.stringify(handled.stats)
        const isNamed = !isReplaced && [...site.named].some((name) => name.startsWith(PREFIX))
        expect([where, isWhole || isNamed, [...payloads.keys()], stats]).toEqual([
          where,
          true,
          [...payloads.keys()],
          stats,
        ])
      }
    }
  })

  it('does not pass for whole with any bit flipped', () => {
    for (const key of keysOf(kind)) {
      const body = scene.objects.get(key) ?? new Uint8Array()
      const whole = decodeFrame(body, key)
      expect(typeof whole).not.toBe('string')
      for (let bit = 0; bit < body.length * 8; bit++) {
        const frame = decodeFrame(flipped(body, bit), key)
        // The blank between hash and header says nothing.
        if (typeof frame !== 'string') expect([key, bit >> 3, frame]).toEqual([key, 32, whole])
      }
    }
  })
})

describe('damage under processes at work', () => {
  const WAYS = ['deleted', 'flipped', 'zeros', 'an older version'] as const
  const FOLDERS = ['log/', 'snapshots/', 'payloads/', 'mailboxes/', 'workers/', 'base', 'bell', 'writer', 'registry']
  it.each(FOLDERS)(
    'to an object below %s loses no message without naming an object',
    { timeout: 120_000 },
    async (kind) => {
      for (const way of WAYS) {
        const { site, payloads, acknowledged } = await workUnder(async ({ store, clock }) => {
          const before = store.snapshot()
          await clock.advance(way === 'an older version' ? 1500 : 0)
          const keys = [...store.snapshot().keys()].filter((key) => key.startsWith(`${PREFIX}${kind}`))
          for (const key of keys.slice(-2)) {
            const body = store.snapshot().get(key)?.body ?? new Uint8Array()
            const changed = {
              flipped: flipped(body, 8 * (body.length >> 1)),
              zeros: new Uint8Array(body.length),
              'an older version': before.get(key)?.body,
              deleted: undefined,
            }[way]
            if (changed === undefined) await store.delete([key])
            else await store.put(key, changed, { condition: overwrite })
          }
        })
        const where = `${kind} ${way}`
        for (const [id, payload] of payloads)
          expect([where, payload]).toEqual([where, expect.objectContaining({ of: id })])
        const lost = acknowledged.filter((id) => !payloads.has(id))
        const isNamed = !REPLACED.includes(kind) && [...site.named].some((name) => name.startsWith(PREFIX))
        expect([where, lost, isNamed || lost.length === 0]).toEqual([where, lost, true])
      }
    },
  )
})

describe('the newest object of the log', () => {
  it('is missed once the lease of its writer names it, until that lease is deleted', async () => {
    const site = await reopen(scene, scene.objects)
    const writer = site.open()
    writer.process(() => {}, { concurrency: 4 })
    await site.clock.advance(100_000)
    await site.run(writer.enqueue('last'))
    // The writer is killed after its next renewal.
    await site.clock.advance(5000)
    const objects = new Map([...site.store.snapshot()].map(([key, { body }]) => [key, body]))
    const newest = [...objects.keys()].filter((key) => key.startsWith(`${PREFIX}log/`)).at(-1) ?? ''
    objects.delete(newest)
    const later = await reopen({ ...scene, startMs: site.clock.now() }, objects)
    const [reader, successor] = [later.open(), later.open()]
    const failure = await later.run(reader.getStats().catch((error: unknown) => error))
    expect(failure).toMatchObject({ code: 'CORRUPT_OBJECT', key: newest })
    expect(String(failure)).toMatch(/the lease of the writer says so.*delete the lease/)
    later.named.clear()
    successor.process(() => {})
    await later.clock.advance(60_000)
    expect([...later.named]).toEqual([newest])
    expect(later.store.snapshot().has(newest)).toBe(false)
    await later.run(later.store.delete([`${PREFIX}writer`]))
    await later.clock.advance(20_000)
    expect(await later.run(successor.getStats())).toMatchObject({ waiting: 0 })
    for (const queue of [reader, successor]) await later.run(queue.close())
    await site.run(writer.close())
  })
})
