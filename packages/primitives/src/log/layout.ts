/** The keys of a log, all below one prefix. Slots have fixed width, so that the order of keys is the order of slots on every store. */

const SLOT_WIDTH = 12

export interface LogLayout {
  readonly base: string
  /** Prefix of all slots. */
  readonly slots: string
  slot(slot: number): string
  /** The slot of a slot's key; undefined for a key that is not a slot's. */
  slotOf(key: string): number | undefined
  snapshot(slot: number, nonce: string): string
  /** Prefix of all snapshots. */
  readonly snapshots: string
  /** The slot of a snapshot's key; undefined for a key that is not a snapshot's. */
  slotOfSnapshot(key: string): number | undefined
}

const SLOT = /^(\d{12})$/
const SNAPSHOT = /^(\d{12})-[^/]+$/

function numberIn(pattern: RegExp, name: string): number | undefined {
  const [, text] = pattern.exec(name) ?? []
  return text === undefined ? undefined : Number(text)
}

function digits(slot: number): string {
  return String(slot).padStart(SLOT_WIDTH, '0')
}

/** Keys below `prefix`, which is empty or ends in a slash. */
export function describeLayout(prefix: string): LogLayout {
  const slots = `${prefix}log/`
  const snapshots = `${prefix}snapshots/`
  return {
    base: `${prefix}base`,
    slots,
    slot: (slot) => `${slots}${digits(slot)}`,
    slotOf: (key) => numberIn(SLOT, key.slice(slots.length)),
    snapshot: (slot, nonce) => `${snapshots}${digits(slot)}-${nonce}`,
    snapshots,
    slotOfSnapshot: (key) => numberIn(SNAPSHOT, key.slice(snapshots.length)),
  }
}
