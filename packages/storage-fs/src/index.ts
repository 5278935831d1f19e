export { createFsStore } from './fs-store.ts'
export type { Durability, FsStoreOptions, Permissions } from './options.ts'
