/**
 * A heap of timers ordered by when they are due, and among those due at the same moment by when they were set: the
 * order in which a simulation fires them must be the same in every run.
 */
interface Timer {
  readonly dueMs: number
  readonly callback: () => void
}

export interface TimerQueue {
  /** Timers that are neither fired nor cancelled. */
  readonly size: number
  /** Adds a timer; the function that is returned takes it out again. */
  add(timer: Timer): () => void
  /** The timer that is due first, still in the queue. */
  peek(): Timer | undefined
  /** Takes out the timer that is due first. */
  take(): Timer | undefined
}

interface Entry extends Timer {
  readonly sequence: number
  state: 'waiting' | 'gone'
}

export function createTimerQueue(): TimerQueue {
  const heap: Entry[] = []
  let sequence = 0
  let size = 0

  const dropCancelled = (): void => {
    while (heap[0]?.state === 'gone') removeFirst(heap)
  }
  return {
    get size() {
      return size
    },
    add({ dueMs, callback }) {
      const entry: Entry = { dueMs, callback, sequence: sequence++, state: 'waiting' }
      heap.push(entry)
      siftUp(heap, heap.length - 1)
      size++
      return () => {
        if (entry.state === 'gone') return
        entry.state = 'gone'
        size--
      }
    },
    peek() {
      dropCancelled()
      return heap[0]
    },
    take() {
      dropCancelled()
      const first = heap[0]
      if (first === undefined) return undefined
      removeFirst(heap)
      first.state = 'gone'
      size--
      return first
    },
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs === b.dueMs ? a.sequence < b.sequence : a.dueMs < b.dueMs
}

function removeFirst(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  heap[0] = last
  siftDown(heap)
}

function siftUp(heap: Entry[], from: number): void {
  let index = from
  while (index > 0) {
    const above = (index - 1) >> 1
    if (!swapIfBefore(heap, index, above)) return
    index = above
  }
}

function siftDown(heap: Entry[]): void {
  let index = 0
  for (;;) {
    const left = 2 * index + 1
    const [a, b] = [heap[left], heap[left + 1]]
    if (a === undefined) return
    const below = b !== undefined && isBefore(b, a) ? left + 1 : left
    if (!swapIfBefore(heap, below, index)) return
    index = below
  }
}

function swapIfBefore(heap: Entry[], lower: number, upper: number): boolean {
  const [child, parent] = [heap[lower], heap[upper]]
  if (child === undefined || parent === undefined || !isBefore(child, parent)) return false
  heap[lower] = parent
  heap[upper] = child
  return true
}
