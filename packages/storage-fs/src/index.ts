export { createFsStore } from './fs-store.ts'
export type { Durability, FsStoreOptions } from './options.ts'
