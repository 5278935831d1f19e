/** A move in words, for the trace to a violation. */
import type { Outstanding } from './behaviours.ts'
import type { Fate, Move } from './move.ts'
import type { Parts } from './parts.ts'
import { describeRequest } from './request.ts'
import { STORE, TIME } from './row.ts'

const FATES: Readonly<Record<Fate, string>> = {
  served: '',
  late: ': no answer, under way',
  lost: ': no answer, lost',
  mute: ': no answer, but done',
  twice: ': sent twice, done and refused',
  down: ': no answer',
}

/** What `move` does in the state `row`. */
export function describeMove<M>(parts: Parts<M>, row: Int32Array, move: Move): string {
  const { layout, behaviours, answers, requests, scenario } = parts
  const name = (place: number): string => parts.nameOf(behaviours.at(layout.actorAt(row, place)).process)
  switch (move.kind) {
    case 'start': {
      const crash = move.instead >= 0 ? `${name(move.instead)} crashes, ` : ''
      return `${crash}start of ${scenario.roles[move.role]?.name}${parts.startedOf(row, move.role) + 1}`
    }
    case 'answer':
      return `${name(move.place)} ${describeAnswer(parts, row, move.waiting, move.fate)}`
    case 'choose':
      return `${name(move.place)} goes on: ${move.option}`
    case 'deliver':
      return `${name(move.place)} gets its answer ${answers.valueOf(layout.answerAt(row, move.place) - 1)}`
    case 'land':
      return `lands: ${describeRequest(requests.valueOf(layout.flightAt(row, move.place) - 1))}`
    case 'remove':
      return `somebody collects ${move.key}`
    case 'fire':
      return `${name(move.place)}: a timer fires`
    case 'pass':
      return `time goes on to ${(row[TIME] as number) + 1}`
  }
}

export function describeAnswer<M>(parts: Parts<M>, row: Int32Array, { request, id }: Outstanding, fate: Fate): string {
  const reply = fate === 'served' ? ` -> ${parts.stores.step(row[STORE] as number, id).reply}` : ''
  return `${describeRequest(request)}${FATES[fate]}${reply}`
}
