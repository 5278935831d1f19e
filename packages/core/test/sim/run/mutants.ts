/** Defects that the simulation must find: rules of the engine left out, and what was wrong before the simulation found it. */
import { type Mutant, mutant } from './mutant.ts'
import { WEATHERS } from './weather.ts'

const STATE: readonly Mutant[] = [
  mutant(
    'a control command is decided before the clock moves and applied behind it',
    /is (redriven|forgotten), but it is (removed|undefined)|holds an event "(redriven|forgotten)" that does not fit/,
    'core/src/engine/decisions.ts',
    '  #control(command: ControlCommand): Answer {\n    this.#loop.tick()\n    const decision = decideControl(this.#state, command)\n',
    '  #control(command: ControlCommand): Answer {\n    const decision = decideControl(this.#state, command)\n    this.#loop.tick()\n',
    WEATHERS['brief-memory'],
  ),
  mutant(
    'a settlement is taken without its token being the current one',
    /its handler has not returned|no handler ever had it|names token \d+, which no claim has|but in the log it is/,
    'core/src/settle.ts',
    'const claim = state.active.get(settlement.token)\n',
    'const claim = state.active.get(settlement.token) ?? state.active.values().next().value\n',
  ),
  mutant(
    'an attempt that timed out is not counted',
    /is told that this is attempt|is not the fold|goes on \(expired\)|gets attempt/,
    'core/src/state/apply.ts',
    "putBack(state, claim, claim.attempt, 0, failures, 'front')",
    "putBack(state, claim, claim.attempt - 1, 0, failures, 'front')",
  ),
  mutant(
    'an attempt that a stopping worker cut off is counted',
    /counts, although no handler ended it|is told that this is attempt|gets attempt/,
    'core/src/settle.ts',
    'started: true, counted: false }',
    'started: true }',
    WEATHERS['short-stays'],
  ),
  mutant(
    'a command that comes twice is carried out twice',
    /is carried out twice|is enqueued twice|which was true at no moment/,
    'core/src/enqueue.ts',
    "  if (wasTaken(state.senders, sender, seq)) return { kind: 'repeated' }\n",
    '',
  ),
  mutant(
    'a message is visible before its time',
    /are claimed at|is not the fold of the history/,
    'core/src/state/runs.ts',
    'run !== undefined && run.visibleAt <= state.now; run = state.delayed.peek()',
    'run !== undefined && run.visibleAt <= state.now + 200; run = state.delayed.peek()',
  ),
  mutant(
    'a snapshot forgets the messages that are delayed',
    /is not the fold of the history/,
    'core/src/state/cut.ts',
    'delayed: state.counts.delayed === 0 ? [] : [...state.runs.values()],',
    'delayed: [],',
  ),
  mutant(
    'a last attempt that times out is tried again',
    /goes on \(expired\) after its last attempt/,
    'core/src/expire.ts',
    'claim.attempt < claim.batch.maxAttempts',
    'claim.attempt <= claim.batch.maxAttempts',
  ),
  mutant(
    'a released message is handed out at once, while its handler runs',
    /is released, while .* was not told to stop/,
    'core/src/control.ts',
    "{ type: 'releasing', token }",
    "{ type: 'released', tokens: [token], started: true }",
    WEATHERS.releasing,
  ),
  mutant(
    'a snapshot forgets that a message is being released',
    /is not the fold of the history/,
    'core/src/state/snapshot-rows.ts',
    'isReleasing(claim) ? true : null',
    'null',
    WEATHERS.releasing,
  ),
]

const ENGINE: readonly Mutant[] = [
  mutant(
    'a refusal is reported as it is, although an earlier write of the call had no answer',
    /was told that the store refused .*, and it is in the queue/,
    'core/src/engine/context.ts',
    'submission.reject(submission.mayBeDurable === true ? outcomeUnknown(error) : error)',
    'submission.reject(error)',
    WEATHERS.refusals,
  ),
  mutant(
    'a refused commit is treated as one that is not in the log, although its first write had no answer',
    /was told that the store refused .*, and it is in the queue/,
    'core/src/engine/commit-loop.ts',
    'const isUncertain = this.#appending && this.#options.writer.isUncertain',
    'const isUncertain = false',
    WEATHERS.refusals,
  ),
  mutant(
    'a refused object in the inbox is treated as not stored, although its first write had no answer',
    /was told that the store refused .*, and it is in the queue/,
    'core/src/engine/inbox-sender.ts',
    "if (put.outcome === 'unknown') markAsPerhapsDurable(batch)",
    '',
    WEATHERS.refusals,
  ),
  mutant(
    'what is recorded is acknowledged before its commit is in the log',
    /which is neither in the log nor in the inbox|is enqueued, which is not in the log|which no commit gave out|but in the log it is/,
    'core/src/engine/commit-loop.ts',
    'if (effect !== undefined) batch.effects.push(effect)',
    'effect?.durable()',
  ),
  mutant(
    'listeners are told before the commit is in the log',
    /but in the log it is|which is not in the log/,
    'core/src/engine/announcer.ts',
    'function after(effect: Effect | undefined, announce: () => void): Effect {\n  return {\n    durable() {\n      effect?.durable()\n      announce()\n',
    'function after(effect: Effect | undefined, announce: () => void): Effect {\n  announce()\n  return {\n    durable() {\n      effect?.durable()\n',
  ),
  {
    name: 'a dead letter is one before its commit is in the log',
    finds: /is died under token \d+, but in the log it is/,
    patches: [
      {
        file: 'core/src/engine/announcer.ts',
        from: '    const outcomes = outcomesOf(settlements, claims, decision, at)\n    return after(effect, () => {',
        to: `    const outcomes = outcomesOf(settlements, claims, decision, at)
    for (const [i, settlement] of settlements.entries()) {
      const [claim, outcome] = [claims[i], outcomes[i]]
      if (claim !== undefined && outcome?.as === 'died')
        announceSettled(this.#context, claim, settlement, outcome, at, at)
    }
    return after(effect, () => {`,
      },
      {
        file: 'core/src/engine/announcer.ts',
        from: 'announceSettled(this.#context, claim, settlement, outcome, at, this.#time.now())',
        to: "if (outcome.as !== 'died') announceSettled(this.#context, claim, settlement, outcome, at, at)",
      },
    ],
  },
  mutant(
    'a look at messages shows what is not in the log yet',
    /which no commit gave out for it|but by the log it never was/,
    'core/src/engine/term.ts',
    'const seen = look(viewOf(this.#state, this.#time.now()))\n    await this.#loop.whenDurable()\n',
    'const seen = look(viewOf(this.#state, this.#time.now()))\n',
    WEATHERS.lookers,
  ),
  mutant(
    'a process that does not write reads the log before the inbox',
    /does not know .*, which was acknowledged|which was true at no moment/,
    'core/src/engine/observer.ts',
    '      const enqueues = await this.#readInbox(ids, signal)\n      const state = await this.#follower.refresh(signal, { reached: this.#reached() })\n',
    '      const state = await this.#follower.refresh(signal, { reached: this.#reached() })\n      const enqueues = await this.#readInbox(ids, signal)\n',
  ),
  mutant(
    'slots with payloads that are needed are deleted',
    /is deleted while a message needs what is in it/,
    'core/src/engine/checkpoints.ts',
    'writer.collect((slot) => live.has(slot), signal, upTo)',
    'writer.collect(() => false, signal, upTo)',
  ),
  mutant(
    'slots with long texts of failures are deleted',
    /is deleted while a message needs what is in it/,
    'core/src/state/snapshot-writer.ts',
    'for (const slot of slotsOf(failures)) needs(slot)',
    'for (const slot of slotsOf(failures)) void slot',
  ),
  mutant(
    'slots with long reports of completed messages are deleted',
    /is deleted while a message needs what is in it/,
    'core/src/state/snapshot-writer.ts',
    'if (stored !== undefined) needs(stored.slot)',
    'if (stored === undefined) needs(0)',
  ),
  mutant(
    'an inbox object is deleted before its commands are in the log',
    /is deleted from the inbox before command/,
    'core/src/engine/inbox-reader.ts',
    'fold(commands, () => this.#folded.push(entry.key))',
    'this.#folded.push(entry.key)\n        fold(commands, () => {})',
  ),
  mutant(
    'a term ends with a snapshot of what is not in the log yet',
    /is not the fold of the history|A cut of this state is being read already/,
    'core/src/engine/term.ts',
    '      await this.#loop.whenDurable()\n      await this.#checkpoints.idle()\n    } while (!this.#loop.isIdle)',
    '      await this.#checkpoints.idle()\n    } while (false)',
  ),
  mutant(
    'a writer tells numbers by a look into the inbox that began before the question',
    /which was true at no moment of its call|which it was at no moment of the call/,
    'core/src/engine/term.ts',
    'await this.#inbox.pollAfresh()\n    await this.#claims',
    'await this.#inbox.poll()\n    await this.#claims',
  ),
  mutant(
    'a term begins without a look at the lease behind the fence',
    /at the same time, and none of them was told to stop|was not told to stop|is not done/,
    'core/src/engine/election.ts',
    '    if (!(await isStillGranted(grant, details, signal))) return\n',
    '',
    WEATHERS['late-writers'],
  ),
  mutant(
    'a writer tells numbers without asking whether it still is the writer',
    /which was true at no moment of its call|which it was at no moment of the call|does not know .* which was acknowledged/,
    'core/src/engine/term.ts',
    'await this.#loop.whenCurrent()\n    this.#claims',
    'await this.#loop.whenDurable()\n    this.#claims',
    WEATHERS.sleepers,
  ),
]

const BELL: readonly Mutant[] = [
  mutant(
    'a bell that is lost, without rare reads of the inbox',
    /the work that is left is not done/,
    'core/src/engine/inbox-reader.ts',
    'if (!signal.aborted) this.#cancelTimer = clock.setTimer(wait, () => void this.poll())',
    'if (!signal.aborted && wait < 5_000) this.#cancelTimer = clock.setTimer(wait, () => void this.poll())',
    WEATHERS['lost-rings'],
  ),
]

const WORKER: readonly Mutant[] = [
  mutant(
    "a worker's deadline counts from when the claim arrives",
    /was not told to stop|at the same time, and none of them was told to stop/,
    'core/src/worker/worker.ts',
    'deadlineAt: provenAt + trustedMs(timeoutMs)',
    'deadlineAt: this.#context.queue.clock.monotonic() + timeoutMs * 1.05',
  ),
  mutant(
    'an extension counts from now, not from the proof of being the writer',
    /was not told to stop|at the same time, and none of them was told to stop/,
    'core/src/worker/claim-time.ts',
    'one.deadlineAt = Math.max(one.deadlineAt, extension.provenAt + trustedMs(one.timeoutMs))',
    'one.deadlineAt = this.#options.clock.monotonic() + trustedMs(one.timeoutMs)',
    WEATHERS['long-claims'],
  ),
  mutant(
    'the clocks of worker and writer are taken for the same',
    /was not told to stop|at the same time, and none of them was told to stop/,
    'core/src/worker/trust.ts',
    'const DRIFT = 0.01',
    'const DRIFT = -0.02',
  ),
]

const PROCESSES: readonly Mutant[] = [
  mutant(
    'a take-over trusts a process id that another process has now',
    /is still held by a process that was killed/,
    'storage/src/runtime/linux-processes.ts',
    'return stat.startedAt === startedAt && !stat.hasEnded',
    'return !stat.hasEnded',
    WEATHERS.neighbours,
  ),
  mutant(
    'a process that lives in another container is called dead',
    /was not told to stop|at the same time, and none of them was told to stop/,
    'storage/src/runtime/linux-processes.ts',
    '|| identity.namespace !== own.namespace) return',
    ') return',
    WEATHERS['long-claims'],
  ),
  mutant(
    'a process of which nothing is known is called dead',
    /was not told to stop|at the same time, and none of them was told to stop/,
    'core/src/engine/worker-processes.ts',
    "    if (state === 'unknown') return\n    this.#watched.set(worker, process)\n    if (state === 'gone')",
    "    if (state !== 'alive')",
    WEATHERS['long-claims'],
  ),
]

const CONTEXTS: readonly Mutant[] = [
  mutant(
    'handlers run in the context of the call that woke the queue',
    /runs in the context of/,
    'core/src/worker/worker.ts',
    'return handlers.run(this.#handler, { id: attempt.id, payload: value as T }, attempt)',
    'return this.#handler({ id: attempt.id, payload: value as T }, attempt)',
  ),
  mutant(
    'a queue keeps the context of the call that woke it',
    /makes a request .* in the context of/,
    'core/src/intake.ts',
    'await outside.run(() => this.#engine.submit(commands, payloads, limits))',
    'await this.#engine.submit(commands, payloads, limits)',
  ),
]

const LOG: readonly Mutant[] = [
  {
    name: "another writer's base is taken for one's own",
    finds: /is deleted while a message needs what is in it|is deleted above the base/,
    // Each of two checks alone is enough.
    patches: [
      {
        file: 'primitives/src/log/writer.ts',
        from: "const isOurs = outcome === 'written' && current.value.snapshot === key",
        to: "const isOurs = outcome === 'written'",
      },
      { file: 'primitives/src/log/writer.ts', from: 'Math.min(upTo, this.baseSlot)', to: 'this.baseSlot' },
    ],
    weather: WEATHERS['lost-bases'],
  },
]

const RESTORES: readonly Mutant[] = [
  mutant(
    'a settlement for another log is taken',
    /is completed under token \d+ in a restored log, but no handler of it has returned/,
    'core/src/engine/term.ts',
    'const commands = (await foreign.isOurs(entry)) ? entries : withoutForeign(entries)',
    'const commands = entries',
    WEATHERS.restored,
  ),
  mutant(
    'a take-over does not recognise the log',
    /does not notice that the log it knows/,
    'primitives/src/log/take-over.ts',
    "    if (!(await leadsThrough(log, walk, mark, signal))) return 'astray'\n",
    '',
    WEATHERS.restored,
  ),
  mutant(
    'the tokens after a restore continue where the copy ends',
    /claims after a restore begin with token/,
    'core/src/control.ts',
    'return Math.max(byTime, nextToken + LEAST_RAISE)',
    'return nextToken + 1',
    WEATHERS.restored,
  ),
]

export const MUTANTS: readonly Mutant[] = [
  ...STATE,
  ...ENGINE,
  ...BELL,
  ...WORKER,
  ...PROCESSES,
  ...CONTEXTS,
  ...LOG,
  ...RESTORES,
]
