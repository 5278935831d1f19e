/** The public face of the core, as far as the simulation uses it: what is in `src`, or a copy with a defect planted into it. */
export type CoreUnderTest = Pick<
  typeof import('../../../src/index.ts'),
  'createQueue' | 'NotRetriable' | 'snooze' | 'retry' | 'deadLetter'
> & {
  /** Whether workers of all processes get messages. */
  readonly isShared?: boolean
}
