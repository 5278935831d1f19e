import { onTestFinished } from 'vitest'
import { createS3Store, type S3Store, type S3StoreOptions } from '../src/index.ts'
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'

export const CREDENTIALS = {
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'the+secret/key',
  sessionToken: 'the-session-token',
}

/** A store on a scripted server, both gone when the test has finished. */
export async function scriptedStore(
  options: Partial<S3StoreOptions> = {},
): Promise<{ readonly server: ScriptedServer; readonly store: S3Store }> {
  const server = await startScriptedServer()
  const store = createS3Store({ bucket: 'bucket', endpoint: server.endpoint, credentials: CREDENTIALS, ...options })
  onTestFinished(() => {
    store.destroy()
    return server.close()
  })
  return { server, store }
}

/** What `promise` rejects with; fails if it does not reject. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('this should have failed')
}
