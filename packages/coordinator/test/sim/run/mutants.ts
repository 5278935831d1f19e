/** Defects of the way of a ticket that the simulation must find: rules of the writer's side and of the worker's left out. */
import { type Mutant, mutant } from '../../../../core/test/sim/run/mutant.ts'
import type { Profile } from '../../../../core/test/sim/run/profile.ts'
import { WEATHERS } from './weather.ts'

const FEW: Partial<Profile> = { processes: 6 }
/** A message is handed out again while its worker goes on with it. */
const GIVEN_BACK =
  /which was given back unstarted|is given back unstarted, but a handler had it|is released, while .* was not told to stop/
/** Two workers have a message at a time, one of them without knowing that its claim is over. */
const TRUSTS_TOO_LONG =
  /was not told to stop|none of them was told to stop|begins to handle .* which ran out|handles .* a second time/

/** Workers that read their mailboxes rarely: what lies there is long on its way. */
const SLOW_READERS = { heartbeatIntervalMs: 2_000, heartbeatTtlMs: 20_000, dispatchIntervalMs: 600 }

const WRITER: readonly Mutant[] = [
  mutant(
    'settlements that the store refuses are dropped',
    /is given back unstarted, but a handler had it/,
    'core/src/engine/standby.ts',
    'outlivesRefusals: settlements.length > 0, ',
    '',
    WEATHERS.refusals,
  ),
  mutant(
    'a ticket goes to a mailbox before its claim is in the log',
    /a ticket for token \d+ is put into a mailbox, which no commit gave out/,
    'core/src/engine/dispatcher.ts',
    'this.#options.loop.record([...share, event], { durable, lost: () => {} })',
    `let isOut = false
    this.#options.loop.record([...share, event], { durable: () => isOut || durable(), lost: () => {} })
    const isAtHand = (claim: Claim): boolean => this.#options.payloads.peek(claim) !== undefined
    isOut = this.#claimsFrom(event.token, count).every(isAtHand)
    if (isOut) durable()`,
    FEW,
  ),
  mutant(
    "a claim's time begins with its commit, while its ticket is still on its way",
    TRUSTS_TOO_LONG,
    'core/src/engine/dispatcher.ts',
    '      const large = claims.filter(isOffloaded)\n',
    '      this.#options.claims.startAll(claims)\n      const large = claims.filter(isOffloaded)\n',
    WEATHERS['late-mailboxes'],
  ),
  mutant(
    'a writer that was replaced writes over the mailboxes of the next',
    /a writer of epoch \d+ writes over the mailbox of one of epoch \d+/,
    'coordinator/src/mailbox/post.ts',
    '|| base.value.epoch > epoch) {',
    '|| epoch === 0) {',
    WEATHERS['late-mailboxes'],
  ),
  mutant(
    'a worker that has left gets tickets',
    /the mailbox of .* is written after its worker left/,
    'coordinator/src/mailbox/post.ts',
    'base === undefined || base.value.sealed || ',
    'base === undefined || ',
    WEATHERS['coming-and-going'],
  ),
  mutant(
    'a writer takes its own claims back before it has read what its worker sent about them',
    GIVEN_BACK,
    'core/src/engine/claims.ts',
    '    await whenSent()\n    await this.#options.lookIntoInbox()\n',
    '    void whenSent\n',
    FEW,
  ),
  mutant(
    'a process that becomes the writer goes on reading its mailbox',
    GIVEN_BACK,
    'core/src/engine/election.ts',
    '    onTrying()\n',
    '    void onTrying\n',
    WEATHERS['late-writers'],
  ),
  mutant(
    'claims of an earlier writer begin their time before what that writer sends can no more arrive',
    TRUSTS_TOO_LONG,
    'coordinator/src/mailbox/post.ts',
    "return (await this.#sent(draft)) !== 'never'",
    'void this.#sent(draft)\n    return true',
    { ...WEATHERS['late-mailboxes'], transport: SLOW_READERS },
  ),
  mutant(
    'a worker is told that its claim lasts longer before that is in the log',
    TRUSTS_TOO_LONG,
    'core/src/engine/claims.ts',
    "this.#options.loop.record([{ type: 'extended', token, timeoutMs }], { durable, lost })",
    "this.#options.loop.record([{ type: 'extended', token, timeoutMs }], { durable: () => {}, lost })\n      durable()",
    WEATHERS['more-time'],
  ),
  mutant(
    'a dead worker counts as alive for ever',
    /the registry of epoch \d+ tells of writer .* and workers/,
    'coordinator/src/registry/registry.ts',
    'return !suspected && this.#now() - heardAt <= silentForMs',
    'return !suspected && heardAt + silentForMs > 0',
    FEW,
  ),
  mutant(
    'a settlement is taken although its claim is over',
    /is told that this is attempt|no handler ever had it|its handler has not returned|but in the log it is|names token \d+, which no claim has|none of them was told to stop/,
    'core/src/settle.ts',
    'const claim = state.active.get(settlement.token)\n',
    'const claim = state.active.get(settlement.token) ?? state.active.values().next().value\n',
    FEW,
  ),
]

const RELEASES: readonly Mutant[] = [
  mutant(
    'a released message is handed out before its worker has stopped',
    /is released, while .* was not told to stop/,
    'core/src/control.ts',
    "{ type: 'releasing', token }",
    "{ type: 'released', tokens: [token], started: true }",
    WEATHERS.releasing,
  ),
  mutant(
    'a new writer forgets which claims are being released',
    /does not tell .* that token \d+ was released in epoch/,
    'core/src/engine/claims.ts',
    '    for (const claim of this.#state.active.values()) if (claim.releasing) this.release(claim)\n',
    '',
    WEATHERS.releasing,
  ),
  mutant(
    'a ticket that was released before it was read gets its handler all the same',
    /begins to handle .* which it knows is taken back|knows that token .* is taken back, and its handler was not told to stop|is released, while/,
    'coordinator/src/worker-side.ts',
    'if (revoked.has(token)) {',
    'if (revoked.has(token) && token < 0) {',
    WEATHERS['taken-back'],
  ),
]

const WORKER: readonly Mutant[] = [
  mutant(
    "a ticket's time counts from the look that shows it",
    TRUSTS_TOO_LONG,
    'coordinator/src/mailbox/reader.ts',
    'const absentAt = this.#lookedAt\n',
    'const absentAt = startedAt\n',
    FEW,
  ),
  mutant(
    'an extension counts from its receipt, not from when it was asked for',
    TRUSTS_TOO_LONG,
    'coordinator/src/worker-side.ts',
    'resolve(read(receipt, askedAt))',
    'resolve(read(receipt, this.#now()))',
    WEATHERS['more-time'],
  ),
  mutant(
    'the clocks of worker and writer are taken for equally fast',
    TRUSTS_TOO_LONG,
    'core/src/worker/trust.ts',
    'const DRIFT = 0.01',
    'const DRIFT = 0',
    WEATHERS.drifting,
  ),
  mutant(
    'a ticket whose time is up gets its handler all the same',
    TRUSTS_TOO_LONG,
    'core/src/worker/worker.ts',
    'if (now >= ticket.deadlineAt) this.#giveBack(ticket)',
    'if (now >= ticket.deadlineAt + ticket.timeoutMs) this.#giveBack(ticket)',
    WEATHERS['late-payloads'],
  ),
  mutant(
    'a claim that was taken back is still honoured',
    /knows (that token \d+ of .* is taken back|is taken back)/,
    'coordinator/src/worker-side.ts',
    'for (const { token, why } of letter.revoked) revoke(token, why)\n',
    '',
    WEATHERS['taken-back'],
  ),
  mutant(
    'a ticket that was taken back stays among those that wait for a handler',
    /begins to handle .* which it knows is taken back|knows that token .* is taken back, and its handler was not told to stop|which was given back unstarted/,
    'core/src/worker/ready-tickets.ts',
    'return false\n      })\n      if (taken === undefined) continue\n      this.#size--\n',
    'return true\n      })\n      if (taken === undefined) continue\n',
    WEATHERS['taken-back'],
  ),
  mutant(
    'what a worker that left holds is given back before its settlements are read',
    GIVEN_BACK,
    'core/src/engine/claims.ts',
    'if (this.heldBy(worker).length === 0) return\n    await lookIntoInbox()\n',
    'if (this.heldBy(worker).length === 0) return\n    await Promise.resolve()\n',
    WEATHERS['coming-and-going'],
  ),
  mutant(
    'a ticket that was recalled starts all the same',
    GIVEN_BACK,
    'core/src/worker/ready-tickets.ts',
    'for (let i = 0; i < kept; i++) this.push(all[i] as HeldTicket)',
    'for (let i = 0; i < (Number.isFinite(count) ? all.length : kept); i++) this.push(all[i] as HeldTicket)',
    WEATHERS.recalling,
  ),
  mutant(
    'a ticket that was taken back while its payload was read is handled all the same',
    /begins to handle .* which it knows is taken back|knows that token .* is taken back, and its handler was not told to stop|which was given back unstarted/,
    'core/src/engine/standby.ts',
    'if (payload !== undefined && isWanted)',
    'if (payload !== undefined && (isWanted || claim.token > 0))',
    WEATHERS['taken-back'],
  ),
  mutant(
    'a worker does not know the tickets whose payloads it is reading',
    GIVEN_BACK,
    'core/src/engine/local-worker.ts',
    ' || this.#standby.isLoading(token)',
    '',
    WEATHERS['late-payloads'],
  ),
  mutant(
    'tickets in a mailbox of an earlier stay are taken for new',
    new RegExp(`${TRUSTS_TOO_LONG.source}|${GIVEN_BACK.source}`),
    'coordinator/src/mailbox/reader.ts',
    'return known === undefined ? this.#find(answer.value) : this.#read(answer.value, absentAt)',
    'return this.#read(answer.value, known === undefined ? startedAt : absentAt)',
    WEATHERS['late-writers'],
  ),
  mutant(
    'a ticket that was read before is taken again',
    new RegExp(`handles .* a second time under token|${GIVEN_BACK.source}`),
    'coordinator/src/mailbox/reader.ts',
    'if (isNew(ticket)) this.#tickets',
    'this.#tickets',
    FEW,
  ),
  mutant(
    'claims that a new writer tells of are given back, though the worker has them',
    GIVEN_BACK,
    'coordinator/src/worker-side.ts',
    'running.tokens.filter((token) => !knows(token))',
    'running.tokens.filter((token) => knows !== undefined || token)',
    FEW,
  ),
]

const PROCESSES: readonly Mutant[] = [
  mutant(
    'a process id that another process has now is taken for the process that was killed',
    /is still held by a process that was killed/,
    'storage/src/runtime/linux-processes.ts',
    'return stat.startedAt === startedAt && !stat.hasEnded',
    'return !stat.hasEnded',
    WEATHERS.neighbours,
  ),
  mutant(
    'the writer does not watch the processes of workers',
    /is still held by a process that was killed/,
    'coordinator/src/registry/registry.ts',
    'if (identity !== undefined) this.#options.term.runsIn(id, identity)',
    'if (identity?.boot === id) this.#options.term.runsIn(id, identity)',
    WEATHERS.neighbours,
  ),
  mutant(
    'a worker of another machine is called dead',
    new RegExp(`${TRUSTS_TOO_LONG.source}|the registry of epoch \\d+ tells of writer`),
    'core/src/engine/worker-processes.ts',
    "    if (state === 'unknown') return\n    this.#watched.set(worker, process)\n    if (state === 'gone')",
    "    if (state !== 'alive')",
    WEATHERS['cut-off'],
  ),
  mutant(
    'a claim that an earlier term has taken over is extended without a word in the log',
    TRUSTS_TOO_LONG,
    'core/src/engine/claims.ts',
    '    if (!mustWait) return undefined\n',
    '    if (mustWait || !mustWait) return undefined\n',
    WEATHERS['short-terms'],
  ),
]

const SHARDS: readonly Mutant[] = [
  mutant(
    'what the queue began with is forgotten when there are more shards',
    /the queue began with \d shards, but before it was \d/,
    'coordinator/src/shards/record.ts',
    'return { ...now, count: wanted }',
    'return { ...now, firstCount: wanted, count: wanted }',
    WEATHERS.raised,
  ),
  mutant(
    'a name goes to the shard that it would have had by the number of today',
    /the (id|key) n\d+ is in shard \d and comes into shard \d/,
    'coordinator/src/shards/enqueue.ts',
    "return typeof name === 'string' ? shardOfName(name, firstCount) : undefined",
    "return typeof name === 'string' ? shardOfName(name, count) : undefined",
    WEATHERS.raised,
  ),
  mutant(
    'a key moves to another shard although both were there before',
    /messages of n\d+ go to shard \d and to shard \d, though both were always there together/,
    'coordinator/src/shards/enqueue.ts',
    'if (named === undefined) return shardOfName(shardKey, count)',
    'if (named === undefined) return shardOfName(shardKey, 1_000) % count',
    WEATHERS.raised,
  ),
  mutant(
    'ids do not tell the shard',
    /shard [1-9] gets messages of .*, whose ids tell of shard 0/,
    'core/src/shard/shard-of.ts',
    'return shard === 0 ? nonce :',
    'return shard >= 0 ? nonce :',
    WEATHERS.raised,
  ),
  mutant(
    'an id that the queue gave is looked for where a name would be',
    /does not know .*, which was acknowledged and is/,
    'coordinator/src/shards/asking.ts',
    'return shards.at(shardOf(id) ?? Router.homeOf(id, count))',
    'return shards.at(shardOf(id) === 0 ? 0 : Router.homeOf(id, count))',
    WEATHERS.raised,
  ),
  mutant(
    'the queue is paused in its first shard alone',
    /shard [1-9] gives out messages, though the queue was paused/,
    'coordinator/src/sharded-queue.ts',
    'return inEach(this.#shards, ({ queue }) => queue.pause())',
    'return this.#shards.first.queue.pause()',
    WEATHERS.raised,
  ),
  mutant(
    'whoever knows a number of shards asks no more whether it is higher',
    /was true at no moment of its call|is told that the queue is empty/,
    'coordinator/src/shards/shards.ts',
    'if (!reads && (this.#isRecorded || this.#dueInMs() <= 0)) await',
    'if (!reads && this.#dueInMs() <= 0) await',
    WEATHERS.raised,
  ),
  mutant(
    'a process writes down its own number of shards over a higher one',
    /there are \d shards after \d/,
    'coordinator/src/shards/record.ts',
    'if (wanted >= count) return\n',
    'if (wanted >= 0 || count < 0) return\n',
    WEATHERS.raised,
  ),
  mutant(
    'workers do not work on shards that come later',
    /the registry (.* )?(tells of writer|is not there)|the work that is left is not done/,
    'coordinator/src/shards/shards.ts',
    '    this.#onAdded.add(listener)\n',
    '',
    WEATHERS.raised,
  ),
]

export const MUTANTS: readonly Mutant[] = [...WRITER, ...RELEASES, ...WORKER, ...PROCESSES, ...SHARDS]
