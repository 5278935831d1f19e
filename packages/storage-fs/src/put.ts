/** `put`: a draft first, then the one system call that publishes it, then durability. Nothing is answered before that. */
import { dirname } from 'node:path'
import {
  type ETag,
  type PutCondition,
  type PutResult,
  StoreError,
  type StoreErrorCode,
  UnknownOutcome,
} from '@s3queue/storage'
import { createObject } from './create.ts'
import { findCurrent, MAX_ATTEMPTS } from './current.ts'
import { type Draft, dropDraft, type WriteContext, writeDraft } from './draft.ts'
import { toStoreError, unknownOutcome } from './failure.ts'
import { codeOf } from './file-system.ts'
import { formatETag, objectPath, parseETag, type Version, versionsPath } from './layout.ts'
import { type OpenRecord, openRecord } from './record.ts'
import { cleanVersions, mayBeCurrent, takeStep } from './replace.ts'

export interface PutRequest {
  readonly key: string
  readonly body: Uint8Array
  readonly condition: PutCondition
  readonly signal: AbortSignal | undefined
}

/** What became of a draft. */
type Published =
  | { readonly outcome: 'stored'; readonly birth: string; readonly version: Version | undefined }
  | { readonly outcome: 'precondition-failed' }
  | { readonly outcome: 'unknown'; readonly error: UnknownOutcome }

const FAILED: Published = { outcome: 'precondition-failed' }

/** What `put` may throw. It comes before anything was published; whatever else goes wrong is an outcome. */
const THROWN: readonly StoreErrorCode[] = ['ACCESS_DENIED', 'NO_SUCH_BUCKET', 'UNSUPPORTED_STORE', 'INVALID_REQUEST']

export async function put(context: WriteContext, request: PutRequest): Promise<PutResult> {
  const { key, condition, signal } = request
  try {
    switch (condition.kind) {
      case 'create':
        return await publish(context, request, (draft) => putNew(context, draft))
      case 'if-match':
        return await putIfMatch(context, request, condition.etag)
      case 'overwrite':
        return await publish(context, request, (draft) => putAnyway(context, draft, signal))
    }
  } catch (thrown) {
    if (signal?.aborted && thrown === signal.reason) throw thrown
    const error = toStoreError(thrown, { directory: context.root, key })
    if (!(error instanceof StoreError) || THROWN.includes(error.code)) throw error
    return { outcome: 'unknown', error: unknownOutcome(error, { directory: context.root, key }) }
  }
}

async function putIfMatch(context: WriteContext, request: PutRequest, etag: ETag): Promise<PutResult> {
  const { fs, root } = context
  const { key } = request
  const expected = parseETag(etag)
  const birth = await openRecord(fs, objectPath(root, key), key)
  if (birth === undefined) return { outcome: 'precondition-failed' }
  try {
    if (expected === undefined || expected.birth !== birth.head.nonce) return { outcome: 'precondition-failed' }
    if (!(await mayBeCurrent(fs, birth, expected.version))) return { outcome: 'precondition-failed' }
    return await publish(context, request, async (draft) => {
      const step = await takeStep(context, birth, expected.version, draft)
      if (step.outcome === 'lost') return FAILED
      if (step.outcome === 'died') return { outcome: 'unknown', error: diedMeanwhile(key) }
      return { outcome: 'stored', birth: birth.head.nonce, version: step.version }
    })
  } finally {
    await birth.close()
  }
}

async function putNew(context: WriteContext, draft: Draft): Promise<Published> {
  if (!(await createObject(context, draft))) return FAILED
  return { outcome: 'stored', birth: draft.nonce, version: undefined }
}

async function putAnyway(context: WriteContext, draft: Draft, signal: AbortSignal | undefined): Promise<Published> {
  const { fs, root } = context
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    signal?.throwIfAborted()
    const birth = await openRecord(fs, objectPath(root, draft.key), draft.key)
    const published = birth === undefined ? await putNew(context, draft) : await followAny(context, birth, draft)
    if (published.outcome !== 'precondition-failed') return published
  }
  throw new UnknownOutcome(
    `The write did not take place: ${MAX_ATTEMPTS} times others were faster, or the directory with the versions of ` +
      `${objectPath(root, draft.key)} is damaged.`,
    { key: draft.key },
  )
}

/** Follows whatever is current; fails if another writer was faster. */
async function followAny(context: WriteContext, birth: OpenRecord, draft: Draft): Promise<Published> {
  try {
    const current = await findCurrent(context.fs, versionsPath(birth.path, birth.head.nonce))
    if (current.kind === 'moving') return FAILED
    const from = current.kind === 'version' ? current.version : undefined
    const step = await takeStep(context, birth, from, draft)
    if (step.outcome === 'lost') return FAILED
    const version = step.outcome === 'taken' ? step.version : { number: 1, nonce: draft.nonce }
    return { outcome: 'stored', birth: birth.head.nonce, version }
  } finally {
    await birth.close()
  }
}

/** Writes the draft, lets `step` publish it, and makes that durable. */
async function publish(
  context: WriteContext,
  { key, body, signal }: PutRequest,
  step: (draft: Draft) => Promise<Published>,
): Promise<PutResult> {
  const draft = await writeDraft(context, key, body)
  try {
    // From here on `body` is not looked at any more: a caller whose signal is aborted may change it.
    signal?.throwIfAborted()
    const published = await step(draft)
    if (published.outcome !== 'stored') {
      await dropDraft(context, draft)
      return published
    }
    await settlePublished(context, draft, published.birth, published.version)
    return { outcome: 'stored', etag: formatETag(published.birth, published.version) }
  } catch (error) {
    // A draft that may have been published keeps its spare name: see `settlePublished`. The sweep removes it in time.
    if (!(error instanceof UnknownOutcome) && codeOf(error) !== 'EIO') await dropDraft(context, draft)
    throw error
  }
}

/** If this fails, the spare name stays: readers see by it that the record is not durable yet. */
async function settlePublished(
  context: WriteContext,
  draft: Draft,
  birth: string,
  version: Version | undefined,
): Promise<void> {
  const { fs, root, settling } = context
  const path = objectPath(root, draft.key)
  const versions = version === undefined ? undefined : versionsPath(path, birth)
  try {
    await settling.settle(versions ?? dirname(path))
  } catch (error) {
    throw unknownOutcome(error, { directory: root, key: draft.key })
  }
  await dropDraft(context, draft)
  if (versions !== undefined && version !== undefined) await cleanVersions(fs, versions, version).catch(() => {})
}

function diedMeanwhile(key: string): UnknownOutcome {
  return new UnknownOutcome(
    `The object ${JSON.stringify(key)} was deleted during the write, and it cannot be told which of the two came first.`,
    { key },
  )
}
