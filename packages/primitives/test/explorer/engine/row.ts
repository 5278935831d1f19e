/** How a state of the world is laid out as a row of numbers, and small changes to one. */
import type { Bounds } from './scenario.ts'

export const STORE = 0
export const MONITOR = 1
export const FAULTS = 2
export const TIME = 3
/** Processes started so far: four bits for each role. */
export const STARTED = 4
const FIXED = 5

export class RowLayout {
  readonly alive: number
  readonly inFlight: number
  readonly width: number

  constructor(bounds: Bounds) {
    this.alive = bounds.alive
    this.inFlight = bounds.inFlight
    this.width = FIXED + 2 * this.alive + this.inFlight
  }

  /** The behaviour of the process in `place`; 0: there is none. */
  actorAt(row: Int32Array, place: number): number {
    return row[FIXED + place] as number
  }

  setActor(row: Int32Array, place: number, behaviour: number): void {
    row[FIXED + place] = behaviour
  }

  /** An answer on its way to the process in `place`; 0: there is none. */
  answerAt(row: Int32Array, place: number): number {
    return row[FIXED + this.alive + place] as number
  }

  setAnswer(row: Int32Array, place: number, answer: number): void {
    row[FIXED + this.alive + place] = answer
  }

  aliveIn(row: Int32Array): number {
    let count = 0
    while (count < this.alive && this.actorAt(row, count) !== 0) count++
    return count
  }

  /** Puts a process at the place that keeps processes in ascending order of `processOf`. */
  insertActor(row: Int32Array, behaviour: number, processOf: (behaviour: number) => number): number {
    let place = this.aliveIn(row)
    for (; place > 0 && processOf(this.actorAt(row, place - 1)) > processOf(behaviour); place--) {
      this.setActor(row, place, this.actorAt(row, place - 1))
      this.setAnswer(row, place, this.answerAt(row, place - 1))
    }
    this.setActor(row, place, behaviour)
    this.setAnswer(row, place, 0)
    return place
  }

  removeActor(row: Int32Array, place: number): void {
    for (let i = place; i < this.alive; i++) {
      const last = i + 1 === this.alive
      this.setActor(row, i, last ? 0 : this.actorAt(row, i + 1))
      this.setAnswer(row, i, last ? 0 : this.answerAt(row, i + 1))
    }
  }

  /** The number of a request under way plus 1; 0: there is none in `place`. In ascending order from the end. */
  flightAt(row: Int32Array, place: number): number {
    return row[FIXED + 2 * this.alive + place] as number
  }

  hasRoom(row: Int32Array): boolean {
    return this.inFlight > 0 && this.flightAt(row, this.inFlight - 1) === 0
  }

  addFlight(row: Int32Array, request: number): void {
    const from = FIXED + 2 * this.alive
    let place = this.inFlight - 1
    for (; place > 0 && (row[from + place - 1] as number) < request + 1; place--) {
      row[from + place] = row[from + place - 1] as number
    }
    row[from + place] = request + 1
  }

  removeFlight(row: Int32Array, place: number): void {
    const from = FIXED + 2 * this.alive
    for (let i = place; i < this.inFlight; i++) {
      row[from + i] = i + 1 === this.inFlight ? 0 : (row[from + i + 1] as number)
    }
  }
}
