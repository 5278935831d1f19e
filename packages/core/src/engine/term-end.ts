/** Why a term ended: what is no trouble, and what is. */
import { Fenced, LeaseLost } from '@s3queue/primitives'

/** The process has given up the writing of its own accord. */
export class SteppedDown extends Error {
  constructor() {
    super('The process stepped down as the writer, for another one to take over.')
    this.name = 'SteppedDown'
  }
}

/** Whether a term ended because another process writes or is to write, not because something is wrong. */
export function wasTakenOver(error: unknown): boolean {
  return error instanceof Fenced || error instanceof LeaseLost || error instanceof SteppedDown
}
