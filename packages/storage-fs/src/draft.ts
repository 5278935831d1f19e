/**
 * A draft is the record that a write is about to publish: complete and synced under a spare name, so that publishing it is one
 * system call and a crash before that leaves no trace but a spare file. The spare name stays until the published one is durable;
 * see `settleRecord`.
 */
import { type Ids, UnknownOutcome } from '@s3queue/storage'
import { noDirectory } from './failure.ts'
import { codeOf, type FileSystem, unless } from './file-system.ts'
import { NONCE_LENGTH, sparePath } from './layout.ts'
import { writeRecord } from './record.ts'
import type { Settling } from './settling.ts'

export interface WriteContext {
  readonly fs: FileSystem
  readonly root: string
  readonly settling: Settling
  readonly ids: Ids
}

export interface Draft {
  readonly key: string
  readonly nonce: string
  readonly path: string
}

export async function writeDraft(context: WriteContext, key: string, body: Uint8Array): Promise<Draft> {
  const { fs, root, settling, ids } = context
  const nonce = ids.nonce(NONCE_LENGTH)
  const draft = { key, nonce, path: sparePath(root, nonce) }
  try {
    await writeRecord(fs, draft.path, { key, nonce, body, sync: settling.durable })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw noDirectory(root, 'was removed while the store was open. Make a new store to start over.', error)
    }
    if (code !== 'EEXIST') await dropDraft(context, draft)
    throw error
  }
  return draft
}

/** Removes the spare name. It may be gone: a reader that made the record durable removes it too. */
export async function dropDraft({ fs }: WriteContext, draft: Draft): Promise<void> {
  await fs.unlink(draft.path).catch(() => {})
}

/** Throws if the draft itself is gone: then a step failed for want of it, not because somebody else was faster. */
export async function assertDraft({ fs }: WriteContext, draft: Draft): Promise<void> {
  if ((await unless(['ENOENT'], fs.facts(draft.path))) !== undefined) return
  throw new UnknownOutcome(
    `The write did not take place: its draft ${draft.path} was removed by somebody else. Files there that are younger than an hour must be left alone.`,
    { key: draft.key },
  )
}
