import { describe, expect, it } from 'vitest'
import { shareOut, surplus } from '../src/engine/share-out.ts'

/** Ten handlers of 100 ms. */
const RATE = 0.1

describe('a backlog behind busy handlers', () => {
  it('goes in equal parts to workers of equal speed, as far as each has room', () => {
    const equal = { ahead: 0, room: 100, rate: RATE, delayMs: 0 }
    expect(shareOut(90, [equal, equal, equal])).toEqual([30, 30, 30])
    expect(shareOut(1000, [equal, equal, equal])).toEqual([100, 100, 100])
  })

  it('goes to faster workers in larger parts', () => {
    const parts = shareOut(40, [
      { ahead: 0, room: 100, rate: RATE, delayMs: 0 },
      { ahead: 0, room: 100, rate: 3 * RATE, delayMs: 0 },
    ])
    expect(parts).toEqual([10, 30])
  })

  it('first makes good what others hold already', () => {
    const parts = shareOut(20, [
      { ahead: 30, room: 100, rate: RATE, delayMs: 0 },
      { ahead: 10, room: 100, rate: RATE, delayMs: 0 },
      { ahead: 0, room: 100, rate: RATE, delayMs: 0 },
    ])
    expect(parts).toEqual([0, 5, 15])
  })

  it('keeps the part of a worker that takes none now', () => {
    const parts = shareOut(90, [
      { ahead: 0, room: 100, rate: RATE, delayMs: 0 },
      { ahead: 0, room: 0, rate: RATE, delayMs: 0 },
      { ahead: 0, room: 5, rate: RATE, delayMs: 0 },
    ])
    expect(parts).toEqual([30, 0, 5])
  })

  it('stays in the queue where it is less than a message for each', () => {
    const equal = { ahead: 0, room: 100, rate: RATE, delayMs: 0 }
    expect(shareOut(2, [equal, equal, equal, equal])).toEqual([0, 0, 0, 0])
    expect(shareOut(5, [])).toEqual([])
  })

  it('makes good that a worker begins later than others', () => {
    const now = { ahead: 0, room: 100, rate: RATE, delayMs: 0 }
    expect(shareOut(70, [now, { ...now, delayMs: 100 }])).toEqual([40, 30])
    expect(shareOut(70, [now, { ...now, delayMs: 1000 }])).toEqual([70, 0])
  })

  it('goes whole to the one worker that is not stuck', () => {
    const parts = shareOut(7, [
      { ahead: 0, room: 0, rate: 1e-6, delayMs: 0 },
      { ahead: 0, room: 100, rate: RATE, delayMs: 0 },
    ])
    expect(parts).toEqual([0, 7])
  })
})

describe('messages that wait behind busy handlers', () => {
  it('are given back as far as idle workers would have handled them by then', () => {
    const counts = surplus([
      { ahead: 60, rate: RATE },
      { ahead: 0, rate: RATE },
      { ahead: 0, rate: RATE },
    ])
    expect(counts).toEqual([40, 0, 0])
  })

  it('are given back most by the slowest', () => {
    const counts = surplus([
      { ahead: 30, rate: RATE / 10 },
      { ahead: 30, rate: RATE },
    ])
    expect(counts).toEqual([24, 0])
  })
})
