/**
 * Watches mailboxes, signs of life and the registry of one shard: a mailbox holds only tickets of claims that are in the log, and no writer writes
 * over a later one; in the end the registry knows exactly those that are there, and whoever left leaves nothing behind.
 */
import type { NoticeCommand } from '@s3queue/core/transport'
import type { Crew } from '../../../../core/test/sim/run/crew.ts'
import type { Witness } from '../../../../core/test/sim/run/subject.ts'
import { placeOf } from '../../../../core/test/sim/truth/keys.ts'
import type { StoreWatch } from '../../../../core/test/sim/world/recorded-store.ts'
import type { Shard } from '../../../../core/test/sim/world/shard.ts'
import { must, Violation } from '../../../../core/test/sim/world/violation.ts'
import type { World } from '../../../../core/test/sim/world/world.ts'
import type { MailboxRecord } from '../../../src/mailbox/record.ts'
import type { RegistryRecord } from '../../../src/registry/record.ts'
import { decodeMailbox, decodeRegistry } from './objects.ts'

/** Signs of workers that nobody told of are found by a list, which comes every so many rounds. */
const ROUNDS_PER_LIST = 18
/** Idle workers may be silent for so many intervals, and for their grace beyond. */
const IDLE_FACTOR = 18
const SLACK_MS = 10_000

export class MailboxWatch implements Witness, StoreWatch {
  readonly #world: World
  readonly #index: number
  readonly #mailboxes = new Map<string, MailboxRecord>()
  /** Claims that workers are told to let go of and have not confirmed, by the ids of their mailboxes. */
  readonly #revoked = new Map<string, MailboxRecord['revoked'][number][]>()
  readonly #signs = new Set<string>()
  #registry: RegistryRecord | undefined
  /** Workers that were there when all was quiet. */
  #last: readonly string[] = []

  constructor(world: World, index: number) {
    this.#world = world
    this.#index = index
    world.watch(this)
  }

  stored(key: string, body: Uint8Array): void {
    const place = placeOf(key)
    if (place.kind === 'shards' || place.shard !== this.#index) return
    if (place.kind === 'mailboxes') this.#mailboxStored(place.name, decodeMailbox(body))
    else if (place.kind === 'workers') this.#signs.add(place.name)
    else if (place.kind === 'registry') this.#registry = decodeRegistry(body)
    for (const command of this.#shard.inbox.present.get(key)?.commands ?? [])
      if (command.type === 'notice') this.#noticeSent(command)
  }

  deleted(keys: readonly string[]): void {
    for (const key of keys) {
      const place = placeOf(key)
      if (place.kind === 'shards' || place.shard !== this.#index) continue
      if (place.kind === 'mailboxes') this.#mailboxes.delete(place.name)
      else if (place.kind === 'workers') this.#signs.delete(place.name)
    }
  }

  get #shard(): Shard {
    return this.#world.shards.at(this.#index)
  }

  async quiet(crew: Crew): Promise<void> {
    if (this.#index >= this.#world.homes.count) return
    const { clock, profile, violation } = this.#world
    const { heartbeatIntervalMs = 0, heartbeatTtlMs = 0 } = profile.transport ?? {}
    const boundMs = (ROUNDS_PER_LIST + IDLE_FACTOR + 1) * heartbeatIntervalMs + heartbeatTtlMs + SLACK_MS
    const end = clock.monotonic() + boundMs
    this.#last = crew.living.flatMap(({ worker }) => (worker === undefined ? [] : [worker.id]))
    while (violation === undefined && !this.#isRegistryRight()) {
      if (clock.monotonic() > end) throw new Violation(`after ${boundMs} ms ${this.#describeRegistry()}`)
      await this.#world.sleep(500)
    }
  }

  async closed(): Promise<void> {
    for (const worker of this.#last) {
      must(!this.#mailboxes.has(worker), `the mailbox of ${worker} is left, which left in order`)
      must(!this.#signs.has(worker), `the sign of life of ${worker} is left, which left in order`)
    }
  }

  #mailboxStored(worker: string, record: MailboxRecord): void {
    const before = this.#mailboxes.get(worker)
    const { epoch, version, sealed, tickets } = record
    if (this.#world.isTraced) this.#world.note('store', `mailbox of ${worker}: ${JSON.stringify(record)}`)
    this.#mailboxes.set(worker, record)
    this.#noteRevoked(record)
    for (const { token, v } of tickets) {
      if (v === version) this.#world.tally.tickets++
      const claim = this.#shard.history.model.claims.get(token)
      must(claim !== undefined, `a ticket for token ${token} is put into a mailbox, which no commit gave out`)
      must(claim.worker === worker, `a ticket of worker ${claim.worker} is put into the mailbox of ${worker}`)
    }
    this.#assertReleasesKept(worker, record)
    if (before === undefined) return
    must(record.id === before.id, `mailbox ${before.id} of ${worker} is written over by ${record.id}`)
    must(!before.sealed, `the mailbox of ${worker} is written after its worker left`)
    must(epoch >= before.epoch, `a writer of epoch ${epoch} writes over the mailbox of one of epoch ${before.epoch}`)
    must(version === before.version + (sealed ? 0 : 1), `version ${version} of a mailbox comes after ${before.version}`)
  }

  /** A new writer names the claims that it found, and tells the worker again which of them an operator wants back. */
  #assertReleasesKept(worker: string, { epoch, version, running, revoked }: MailboxRecord): void {
    if (running?.v !== version) return
    const { history } = this.#shard
    for (const token of running.tokens) {
      const { releasingIn, end } = history.model.claims.get(token) ?? {}
      const releasedBy = releasingIn === undefined ? epoch : (history.slots[releasingIn - 1]?.epoch ?? epoch)
      if (releasedBy >= epoch || end !== undefined) continue
      must(
        revoked.some((told) => told.token === token),
        `the writer of epoch ${epoch} does not tell ${worker} that token ${token} was released in epoch ${releasedBy}`,
      )
    }
  }

  #noteRevoked({ id, version, revoked }: MailboxRecord): void {
    const told = this.#revoked.get(id) ?? []
    this.#revoked.set(id, [...told, ...revoked.filter(({ v }) => v === version)])
  }

  /** A worker says up to where it has read its mailbox: whatever stood there it heeds. */
  #noticeSent({ mailbox = '', seen }: NoticeCommand): void {
    const told = this.#revoked.get(mailbox) ?? []
    for (const { v, token } of told) if (v <= seen) this.#shard.handlers.heardOfTaking(token)
    this.#revoked.set(
      mailbox,
      told.filter(({ v }) => v > seen),
    )
  }

  /** All that are there but the writer's own worker. */
  #isRegistryRight(): boolean {
    if (this.#registry === undefined) return this.#last.length <= 1
    const { writer, workers } = this.#registry
    const told = new Set(workers.map(({ id }) => id))
    const others = this.#last.filter((id) => id !== writer)
    return told.size === others.length && others.every((id) => told.has(id))
  }

  #describeRegistry(): string {
    if (this.#registry === undefined) return `the registry is not there, and there are workers ${this.#last.join(', ')}`
    const { epoch, writer, workers } = this.#registry
    const told = workers.map(({ id }) => id).join(', ')
    return `the registry of epoch ${epoch} tells of writer ${writer} and workers ${told}; there are ${this.#last.join(', ')}`
  }
}
