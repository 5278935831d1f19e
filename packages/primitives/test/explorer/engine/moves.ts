/** All that can happen next in a state of the world. */
import type { Outstanding } from './behaviours.ts'
import type { Fate, Move } from './move.ts'
import type { Parts } from './parts.ts'
import { FAULTS, STORE, TIME } from './row.ts'

export function movesIn<M>(parts: Parts<M>, row: Int32Array): Move[] {
  const { layout, moments } = parts
  const due = parts.dueTimer(row)
  if (due !== undefined) return [{ kind: 'fire', ...due }]
  const moves: Move[] = []
  const alive = layout.aliveIn(row)
  for (let place = 0; place < alive; place++) {
    if (layout.answerAt(row, place) !== 0) moves.push({ kind: 'deliver', place })
    else movesOfProcess(parts, row, place, moves)
  }
  for (let place = 0; place < layout.inFlight && layout.flightAt(row, place) !== 0; place++) {
    moves.push({ kind: 'land', place })
  }
  starts(parts, row, alive, moves)
  for (const key of parts.removableIn(row)) moves.push({ kind: 'remove', key })
  if ((row[TIME] as number) + 1 < moments) moves.push({ kind: 'pass' })
  return moves
}

function movesOfProcess<M>(parts: Parts<M>, row: Int32Array, place: number, moves: Move[]): void {
  for (const waiting of parts.behaviours.at(parts.layout.actorAt(row, place)).waiting) {
    if (waiting.request.kind === 'choose') {
      for (const option of waiting.request.options) moves.push({ kind: 'choose', place, waiting, option })
      continue
    }
    for (const fate of fatesOf(parts, row, waiting)) moves.push({ kind: 'answer', place, waiting, fate })
  }
}

const SERVED: readonly Fate[] = ['served']

function fatesOf<M>(parts: Parts<M>, row: Int32Array, { request, id }: Outstanding): readonly Fate[] {
  const { faults, bounds } = parts.scenario
  if ((row[FAULTS] as number) >= bounds.faults) return SERVED
  if (request.kind === 'get' || request.kind === 'list') return faults.reads ? ['served', 'down'] : SERVED
  if (request.kind === 'delete' && !faults.reads) return SERVED
  // What is under way may take place right away or never: where there is room for it, `late` covers `mute` and `lost`.
  const unanswered: Fate[] = parts.layout.hasRoom(row) ? ['late'] : ['mute', 'lost']
  const twice = request.kind === 'put' && faults.doubleSend && parts.stores.step(row[STORE] as number, id).wrote
  return twice ? ['served', ...unanswered, 'twice'] : ['served', ...unanswered]
}

/**
 * Starts of processes. A crash shows only in that another process takes the room: one that is never heard of again is as
 * good as dead. So a crash is part of a start.
 */
function starts<M>(parts: Parts<M>, row: Int32Array, alive: number, moves: Move[]): void {
  for (const [role, { count }] of parts.scenario.roles.entries()) {
    if (parts.startedOf(row, role) >= count) continue
    if (alive < parts.layout.alive) moves.push({ kind: 'start', role, instead: -1 })
    else for (let place = 0; place < alive; place++) moves.push({ kind: 'start', role, instead: place })
  }
}
