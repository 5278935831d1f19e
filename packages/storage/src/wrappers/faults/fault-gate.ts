import { FAULT_KINDS, FAULTS_OF, type Fault, type FaultKind, type FaultPlan, type StoreOperation } from './fault.ts'

/** Asks the plan while faults are on, checks what it says, and counts. */
export interface FaultGate {
  /** The fault for this request. Throws where the plan names one that there is not for it. */
  next(operation: StoreOperation): Fault | undefined
  /** How many faults of each kind were let through. */
  injected(): Readonly<Record<FaultKind, number>>
  stop(): void
  resume(): void
}

export function createFaultGate(plan: FaultPlan): FaultGate {
  const counts = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]))
  let stopped = false
  return {
    next(operation) {
      const fault = stopped ? undefined : plan.next(operation)
      if (fault === undefined) return undefined
      // A plan that cuts a process off from its network need not know that this cuts off its notifications as well.
      if (operation.kind !== 'notify' && !FAULTS_OF[operation.kind].includes(fault.kind)) {
        throw new Error(`The plan has the fault "${fault.kind}" for a ${operation.kind}, which cannot have it.`)
      }
      counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1)
      return fault
    },
    injected: () => Object.fromEntries(counts) as Record<FaultKind, number>,
    stop() {
      stopped = true
    },
    resume() {
      stopped = false
    },
  }
}
