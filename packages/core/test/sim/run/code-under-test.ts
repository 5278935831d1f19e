/** What the simulation uses: the core, and how it learns of processes. Mutants are bundled from here. */
export { createLinuxProcesses } from '../../../../storage/src/runtime/linux-processes.ts'
export { createQueue, deadLetter, NotRetriable, retry, snooze } from '../../../src/index.ts'
