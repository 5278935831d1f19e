/** Recognising the log that a process knows, by reading: where marks alone cannot tell, or contradict each other. */
import { CorruptObject, LogReplaced } from '../errors.ts'
import type { LogContext } from './context.ts'
import { findMark, type LogMark, type LogOutline } from './mark.ts'
import { readSlot } from './slot.ts'

/** Runs a walk. A log that cannot be read may be another one than this process knows: then it throws `LogReplaced` instead. */
export async function onKnownLog<T>(log: LogContext, walk: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await walk()
  } catch (error) {
    if (error instanceof CorruptObject) await confirmMemory(log, signal)
    throw error
  }
}

/** Throws `LogReplaced` if the newest place that this process knows is not in the log any more. Costs two or three requests. */
export async function confirmMemory(log: LogContext, signal?: AbortSignal): Promise<void> {
  const { mark } = log.memory
  if (mark !== undefined) await confirmMark(log, mark, signal)
}

/** Throws `LogReplaced` if `mark` is not in the log any more. */
export async function confirmMark(log: LogContext, mark: LogMark, signal?: AbortSignal): Promise<void> {
  if (await isThere(log, mark, signal)) return log.memory.found()
  log.memory.lost(mark)
  throw await describeReplaced(log, mark, signal)
}

/**
 * Whether a walk to the head led through `mark`. If not, and `mark` is in the log, the walk went astray; throws `LogReplaced` if `mark` is not in the
 * log any more.
 */
export async function leadsThrough(
  log: LogContext,
  outline: LogOutline,
  mark: LogMark | undefined,
  signal?: AbortSignal,
): Promise<boolean> {
  if (mark === undefined) return true
  const found = findMark(outline, mark)
  if (found === 'there') return true
  await confirmMark(log, mark, signal)
  return found === 'unknown'
}

async function isThere(log: LogContext, mark: LogMark, signal?: AbortSignal): Promise<boolean> {
  for (let baseSlot = -1; ; ) {
    const base = await log.base.read(signal)
    const reached = base?.value.slot ?? 0
    if (base !== undefined && reached >= mark.slot) {
      const found = findMark(base.value, mark)
      return found === 'unknown' ? hasFence(log, mark, signal) : found === 'there'
    }
    if (base !== undefined && base.value.log !== mark.log) return false
    if (!(await hasFence(log, mark, signal))) return false
    const last = await readSlot(log, mark.slot, signal)
    if (last?.header.epoch === mark.fence.epoch) return true
    // Unless the base has moved on meanwhile, and the slot was collected.
    if (reached === baseSlot) return false
    baseSlot = reached
  }
}

/** Whether the fence of `mark` is where it was. */
export async function hasFence(log: LogContext, { fence }: LogMark, signal?: AbortSignal): Promise<boolean> {
  const found = await readSlot(log, fence.slot, signal)
  return found?.header.kind === 'fence' && found.header.nonce === fence.nonce
}

async function describeReplaced(log: LogContext, mark: LogMark, signal?: AbortSignal): Promise<LogReplaced> {
  const first = await readSlot(log, 1, signal)
  const found = first?.header.nonce ?? (await log.base.read(signal))?.value.log
  return new LogReplaced({
    where: `${log.layout.slots} in ${log.store.description}`,
    known: mark.log,
    slot: mark.slot,
    found,
  })
}
