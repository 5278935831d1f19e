/**
 * Defects that the explorer must find. Each is a small change to the source that somebody might make in good faith. When the
 * source changes so that a defect cannot be planted any more, loading it fails: then plant it anew.
 */
import type { Scenario } from '../engine/scenario.ts'
import { CAS_DEFAULTS, type CasBounds, casScenario } from './cas-scenario.ts'
import type { Patch, Primitives } from './code-under-test.ts'
import { LEASE_DEFAULTS, type LeaseBounds, leaseScenario, lockScenario } from './lease-scenario.ts'
import { LOG_DEFAULTS, type LogBounds, logScenario } from './log-scenario.ts'

export interface Mutant {
  readonly name: string
  readonly patches: readonly Patch[]
  readonly scenario: (code: Primitives) => Scenario<unknown>
  /** What the violation says. */
  readonly finds: RegExp
  /** A process makes requests without end. That is noticed only where states are made equal: otherwise each request leads to a new one. */
  readonly isEndless?: boolean
}

function inLog(bounds: Partial<LogBounds>): Mutant['scenario'] {
  return (code) => logScenario(code, { ...LOG_DEFAULTS, ...bounds }) as Scenario<unknown>
}

function inCas(bounds: Partial<CasBounds> = {}): Mutant['scenario'] {
  return (code) => casScenario(code, { ...CAS_DEFAULTS, ...bounds }) as Scenario<unknown>
}

function inLease(bounds: Partial<LeaseBounds> = {}): Mutant['scenario'] {
  return (code) => leaseScenario(code, { ...LEASE_DEFAULTS, ...bounds }) as Scenario<unknown>
}

const FRESH_BYTES = `
    const before = decodeFrame(bytes)
    if (attempt > 1 && before.header.kind === 'commit') {
      nonce = log.ids.nonce()
      const again = encodeFrame({ ...before.header, nonce }, before.body)
      bytes = again.bytes
      log.changedHash = again.hash
    }
`

const LOG_MUTANTS: readonly Mutant[] = [
  {
    name: 'take-over without the second read of the base',
    patches: [
      {
        file: 'log/take-over.ts',
        from: 'else if (!(await baseOvertook(log, walk, signal))) return',
        to: 'else return',
      },
    ],
    scenario: inLog({ slots: 3, faults: 0 }),
    finds: /leads (with a state|by a fence in slot \d+) that is not (in )?the history/,
  },
  {
    name: 'second read of the base that only asks whether it has passed the own slot',
    patches: [{ file: 'log/walk.ts', from: 'if (slot > walk.verified &&', to: 'if (slot >= walk.slot &&' }],
    scenario: inLog({ slots: 4, takeOvers: 3, faults: 0 }),
    finds: /leads with a state that is not the history/,
  },
  {
    name: 'the hash chain instead of the second read of the base',
    patches: [
      { file: 'log/take-over.ts', from: 'import { claimSlot, ', to: 'import { claimSlot, readSlot, ' },
      {
        file: 'log/take-over.ts',
        from: '    walk.slot = header.slot\n',
        to: '    walk.before = { slot: walk.slot, hash: walk.hash }\n    walk.slot = header.slot\n',
      },
      {
        file: 'log/take-over.ts',
        from: '!(await baseOvertook(log, walk, signal))',
        to: 'walk.before.hash === "" || (await readSlot(log, walk.before.slot, signal))?.hash === walk.before.hash',
      },
    ],
    scenario: inLog({ slots: 3, faults: 0 }),
    finds: /leads (with a state|by a fence in slot \d+) that is not (in )?the history/,
  },
  {
    name: 'fences collected',
    patches: [
      { file: 'log/writer.ts', from: 'this.#held = walk.held\n', to: 'this.#held = [...walk.held, walk.slot]\n' },
    ],
    scenario: inLog({ slots: 3, faults: 0, ownCollection: true }),
    finds: /acknowledges slot \d+ behind the fence|another one than the one that was collected/,
  },
  {
    name: 'bytes changed after an unknown outcome',
    patches: [
      {
        file: 'log/slot.ts',
        from: 'import type { Frame, Header }',
        to: 'import { decodeFrame, encodeFrame, type Frame, type Header }',
      },
      {
        file: 'log/slot.ts',
        from: '    const put: PutResult = await',
        to: `${FRESH_BYTES}    const put: PutResult = await`,
      },
      {
        file: 'log/writer.ts',
        from: 'this.#position = { slot, hash }\n',
        to: 'this.#position = { slot, hash: this.#log.changedHash ?? hash }\n    this.#log.changedHash = undefined\n',
      },
    ],
    scenario: inLog({ slots: 3, faults: 1 }),
    finds: /nobody has taken over|acknowledges a commit|another one than the one that was collected/,
  },
  {
    name: 'acknowledged while the outcome is unknown',
    patches: [
      {
        file: 'log/slot.ts',
        from: "if (put.outcome === 'stored') return",
        to: "if (put.outcome !== 'precondition-failed') return",
      },
    ],
    scenario: inLog({ slots: 3, faults: 1 }),
    finds: /acknowledges a commit in slot \d+ that is not in the history|leads by a fence in slot \d+ that is not/,
  },
  {
    name: 'a follower that does not look at the base again',
    patches: [
      {
        file: 'log/follower.ts',
        from: "if (verdict === 'verified') {",
        to: 'if (verdict) {',
      },
    ],
    scenario: inLog({ slots: 3, takeOvers: 1, followers: 1, refreshes: 1, faults: 0 }),
    finds: /follower's state is (older than its call|no beginning of the history)/,
  },
  {
    name: 'a follower that waits for a collected slot',
    patches: [{ file: 'log/walk.ts', from: 'const found = walk.slot !== this.#behindAt', to: 'const found = true' }],
    scenario: inLog({ slots: 3, takeOvers: 1, followers: 1, faults: 0 }),
    finds: /makes requests without end/,
    isEndless: true,
  },
  {
    name: 'a follower that takes the hash of the base for proof of the slots before a fence',
    patches: [{ file: 'log/walk.ts', from: ' || !passedFencesOf(now.value, walk)', to: '' }],
    scenario: inLog({ slots: 3, appends: 1, followers: 1, refreshes: 1, faults: 0 }),
    finds: /follower's state is no beginning of the history/,
  },
  {
    name: 'the base of another writer taken for the own',
    patches: [
      {
        file: 'log/writer.ts',
        from: "const isOurs = outcome === 'written' && current.value.snapshot === key",
        to: "const isOurs = outcome === 'written'",
      },
    ],
    scenario: inLog({ slots: 3, faults: 1 }),
    finds: /moved the base to \d+ and takes \d+ for its own/,
  },
  {
    name: 'a writer that asks the base whether it still is one',
    patches: [
      {
        file: 'log/writer.ts',
        from: 'const found = await readSlot(this.#log, slot, signal)\n    if (found !== undefined && found.header.epoch !== this.epoch)',
        to: 'const found = await this.#log.base.read(signal)\n    if (found !== undefined && found.value.epoch > this.epoch)',
      },
    ],
    scenario: inLog({ slots: 2, faults: 0, confirms: 1 }),
    finds: /takes itself for the writer/,
  },
  {
    name: 'the base moved before its snapshot is written',
    patches: [
      {
        file: 'log/writer.ts',
        from: 'const key = await writeSnapshot(this.#log, position.slot, held, snapshot, signal)',
        to: 'const key = this.#log.layout.snapshot(position.slot, "later")',
      },
    ],
    scenario: inLog({ slots: 3, faults: 0 }),
    finds: /snapshot that is not there/,
  },
]

const CAS_MUTANTS: readonly Mutant[] = [
  {
    name: 'a CAS object whose bytes hold no nonce',
    patches: [
      {
        file: 'cas-object.ts',
        from: "{ key, kind: 'value', history, complete }",
        to: "{ key, kind: 'value', history: [''], complete }",
      },
    ],
    scenario: inCas({ toggles: true, mayForget: true, faults: 0 }),
    finds: /lands on version \d, but is based on/,
  },
  {
    name: 'a CAS object that takes unknown for written',
    patches: [
      {
        file: 'cas-object.ts',
        from: "if (put.outcome === 'stored') {",
        to: "if (put.outcome !== 'precondition-failed') {",
      },
    ],
    scenario: inCas({ faults: 1 }),
    finds: /told that its write took place, but it did not/,
  },
  {
    name: 'a CAS object that takes unknown for lost',
    patches: [
      {
        file: 'cas-object.ts',
        from: '        uncertain = true\n',
        to: "        return { outcome: 'lost', current: await this.read(signal) }\n",
      },
    ],
    scenario: inCas({ faults: 1 }),
    finds: /told that its write is lost, but it took place|takes place after it was called lost/,
  },
  {
    name: 'a CAS object that looks for its write in the newest version alone',
    patches: [{ file: 'cas-object.ts', from: 'current.history.includes(nonce)', to: 'current.nonce === nonce' }],
    scenario: inCas({ faults: 1 }),
    finds: /told that its write is lost, but it took place/,
  },
]

const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'a lease trusted from the answer on',
    patches: [
      {
        file: 'lease.ts',
        from: 'new LeaseGrant(this.#options, this.#object, now.current, startedAt)',
        to: 'new LeaseGrant(this.#options, this.#object, now.current, clock.monotonic())',
      },
    ],
    scenario: inLease({ duration: 1, moments: 4, faults: 0 }),
    finds: /2 processes trust themselves/,
  },
  {
    name: 'a renewed lease trusted from the answer on',
    patches: [
      {
        file: 'lease.ts',
        from: 'this.#validUntil = startedAt + durationMs',
        to: 'this.#validUntil = clock.monotonic() + durationMs',
      },
    ],
    scenario: inLease({ duration: 1, moments: 4, faults: 0 }),
    finds: /2 processes trust themselves/,
  },
  {
    name: 'a lease that is trusted while it is given back',
    patches: [{ file: 'lease.ts', from: '    this.#over = true\n    try {\n', to: '    try {\n' }],
    scenario: inLease({ duration: 1, moments: 2, faults: 0 }),
    finds: /2 processes trust themselves/,
  },
  {
    name: 'a lock that does not look whether its grant is still good',
    patches: [{ file: 'lock.ts', from: 'if (await isFresh(attempt.grant, signal)) return', to: 'return' }],
    scenario: (code) =>
      lockScenario(code, { ...LEASE_DEFAULTS, duration: 1, attempts: 1, moments: 4, faults: 0 }) as Scenario<unknown>,
    finds: /2 processes trust themselves/,
  },
]

export const MUTANTS: readonly Mutant[] = [...LOG_MUTANTS, ...CAS_MUTANTS, ...LEASE_MUTANTS]
