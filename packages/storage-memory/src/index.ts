export * from './memory-store.ts'
export type { StoredObject } from './object-table.ts'
