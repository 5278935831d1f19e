import type { Fault, FaultPlan, StoreOperation } from './fault.ts'

export interface ScriptedFaults extends FaultPlan {
  /** Entries of the script that have not had their turn. A test that ends with some left did not test what it says. */
  readonly left: number
}

/**
 * The faults of `script` in turn, one for each request or notification for which `concerns` holds (default: all); undefined in the script lets a request pass.
 * After the end everything goes well.
 */
export function scriptedFaults(
  script: readonly (Fault | undefined)[],
  concerns: (operation: StoreOperation) => boolean = () => true,
): ScriptedFaults {
  let at = 0
  return {
    get left() {
      return script.length - at
    },
    next: (operation) => (at < script.length && concerns(operation) ? script[at++] : undefined),
  }
}
