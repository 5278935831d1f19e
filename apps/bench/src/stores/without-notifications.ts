/** A store in memory as a model of S3, which does not notify anyone of changes. */
import type { ObjectStore } from '@s3queue/storage'

export function withoutNotifications(store: ObjectStore): ObjectStore {
  return { ...store, watch: undefined }
}
