/** The fenced log: candidates take over, append, move the base; followers read along; somebody collects whatever may be collected. */
import type { Fold } from '../../../src/index.ts'
import type { ActorPorts, Script } from '../engine/actor.ts'
import { bytesOfText, type Contents } from '../engine/contents.ts'
import type { Read, Request, Write } from '../engine/request.ts'
import type { Bounds, Faults, Scenario } from '../engine/scenario.ts'
import type { Primitives } from './code-under-test.ts'
import { baseValueOf, createLogMonitor, type LogHistory, lineOf, slotOfKey } from './log-monitor.ts'

export interface LogBounds extends Bounds {
  /** The last slot that is ever used. */
  readonly slots: number
  readonly takeOvers: number
  /** Commits that each leader appends, at most. */
  readonly appends: number
  readonly readAhead: number
  /** Processes that only read along, and how often each brings itself up to date. */
  readonly followers: number
  readonly refreshes: number
  /** The leaders collect themselves, by `writer.collect`, instead of somebody at any moment. */
  readonly ownCollection: boolean
  /** How often a leader asks whether it still is one. */
  readonly confirms: number
}

export const LOG_DEFAULTS: LogBounds = {
  slots: 4,
  takeOvers: 2,
  appends: Number.POSITIVE_INFINITY,
  alive: 2,
  faults: 1,
  inFlight: 1,
  readAhead: 1,
  followers: 0,
  refreshes: 2,
  ownCollection: false,
  confirms: 0,
}

/** The state that the log is folded to: a line for each slot. */
type Lines = string[]

const decoder = new TextDecoder()

const fold: Fold<Lines> = {
  start: (snapshot) => (snapshot === undefined ? [] : (JSON.parse(decoder.decode(snapshot)) as Lines)),
  apply: (lines, { kind, slot, epoch, body }) => {
    lines.push(lineOf(kind, slot, epoch, decoder.decode(body)))
  },
}

export interface LogFaults extends Faults {
  /** Faults may befall the writing of snapshots as well. */
  readonly snapshots?: boolean | undefined
}

export function logScenario(code: Primitives, bounds: LogBounds, faults: LogFaults = {}): Scenario<LogHistory> {
  const roles = [
    { name: 'candidate', count: bounds.takeOvers, script: candidate(code, bounds) },
    { name: 'follower', count: bounds.followers, script: follower(code, bounds) },
  ]
  return {
    roles,
    bounds,
    faults,
    monitor: (contents) => createLogMonitor(contents),
    beyond: (request: Request) => request.kind === 'put' && slotOfKey(request.key) > bounds.slots,
    ...(bounds.ownCollection ? {} : { removable: collectable, forgettable: leftBehind, isDead, isSettled, isDetached }),
    ...(faults.snapshots
      ? {}
      : { isHidden: (request: Request) => request.kind === 'put' && request.key.startsWith('snapshots/') }),
  }
}

/** Snapshots below the base: only who has read an earlier base still asks for them. */
function leftBehind(objects: ReadonlyMap<string, number>, contents: Contents): string[] {
  const base = objects.get('base')
  if (base === undefined) return []
  const { slot } = baseValueOf(contents, base)
  return [...objects.keys()].filter((key) => key.startsWith('snapshots/') && Number(key.slice(10, 22)) < slot)
}

/** A move of the base makes slots collectable. */
function isDetached({ key }: Write): boolean {
  return key !== 'base'
}

/** A fence is there for good. */
function isSettled(request: Read | Write, objects: ReadonlyMap<string, number>, history: LogHistory): boolean {
  if (request.kind !== 'get' || !objects.has(request.key)) return false
  return (history.fences[slotOfKey(request.key) - 1] ?? 0) > 0
}

/** A write to a slot that a fence has taken, as nobody deletes fences here; or on a base that is no more, as the base never goes back. */
function isDead({ key, expects }: Write, objects: ReadonlyMap<string, number>, history: LogHistory): boolean {
  if (key === 'base') return expects !== (objects.get(key) ?? 0)
  return objects.has(key) && (history.fences[slotOfKey(key) - 1] ?? 0) > 0
}

/** Commits at or below the base, and snapshots below it. */
function collectable(objects: ReadonlyMap<string, number>, history: LogHistory): string[] {
  const keys: string[] = []
  for (const key of objects.keys()) {
    if (history.fences[slotOfKey(key) - 1] === 0 && slotOfKey(key) <= history.base) keys.push(key)
    if (key.startsWith('snapshots/') && Number(key.slice(10, 22)) < history.base) keys.push(key)
  }
  return keys
}

function logOf(code: Primitives, ports: ActorPorts, readAhead: number): ReturnType<Primitives['createFencedLog']> {
  const { store, clock, random, ids } = ports
  return code.createFencedLog({ store, prefix: '', clock, random, ids, readAhead })
}

/** Takes over; then appends, moves the base and collects, as the explorer chooses, until it is fenced. */
function candidate(code: Primitives, bounds: LogBounds): Script {
  return async (ports) => {
    ports.during('take-over')
    const log = logOf(code, ports, bounds.readAhead)
    const { writer, state } = await log.takeOver(fold)
    ports.emit({ type: 'leads', epoch: writer.epoch, ...writer.position, lines: [...state] })
    const positions = [writer.position]
    let appended = 0
    let collected = 0
    let confirms = 0
    for (;;) {
      const options = positions.filter(({ slot }) => slot > writer.baseSlot).map(({ slot }) => `base-${slot}`)
      if (writer.nextSlot <= bounds.slots && appended < bounds.appends) options.push('append')
      if (bounds.ownCollection && writer.baseSlot > collected) options.push('collect')
      if (confirms < bounds.confirms) options.push('confirm')
      if (options.length === 0) return
      const option = await ports.choose(options, [writer, state, positions, appended, collected, confirms, log.mark])
      const [choice, slot] = option.split('-')
      try {
        const times = { append: appended, confirm: confirms, collect: collected, base: slot }
        ports.during(`${choice}-${times[choice as keyof typeof times]}`)
        if (choice === 'append') {
          const body = `${ports.name}/${++appended}`
          const position = await writer.append(bytesOfText(body))
          ports.emit({ type: 'appended', epoch: writer.epoch, ...position, body })
          positions.push(position)
          state.push(lineOf('commit', position.slot, writer.epoch, body))
        } else if (choice === 'confirm') {
          ports.emit({ type: 'asks' })
          confirms++
          await writer.confirm()
          ports.emit({ type: 'confirmed', epoch: writer.epoch })
        } else if (choice === 'collect') {
          collected = writer.baseSlot
          await writer.collect(() => false)
        } else {
          const position = positions.find((p) => p.slot === Number(slot))
          const upTo = state.slice(0, Number(slot))
          if (position !== undefined) await writer.checkpoint(position, bytesOfText(JSON.stringify(upTo)))
          ports.emit({ type: 'moved', to: position?.slot, base: writer.baseSlot })
        }
      } catch (error) {
        if (!(error instanceof Error && error.name === 'Fenced')) throw error
        ports.emit({ type: 'fenced', epoch: writer.epoch })
        return
      }
    }
  }
}

function follower(code: Primitives, bounds: LogBounds): Script {
  return async (ports) => {
    const log = logOf(code, ports, bounds.readAhead)
    const reader = log.follow(fold)
    for (let n = 0; n < bounds.refreshes; n++) {
      await ports.choose(['refresh'], [n, reader, log.mark])
      ports.during(`refresh-${n}`)
      ports.emit({ type: 'refreshes' })
      const lines = await reader.refresh()
      ports.emit({ type: 'refreshed', lines: [...lines] })
    }
  }
}
