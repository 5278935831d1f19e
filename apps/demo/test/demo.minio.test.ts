/** The demo on a real S3 server: the one that the set-up of the run found or started. */
import { randomBytes } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { numberIn, runDemo } from './demo-process.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    s3:
      | {
          readonly kind: 'ready'
          readonly endpoint: string
          readonly region: string
          readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
        }
      | { readonly kind: 'missing'; readonly reason: string }
  }
}

const s3 = inject('s3')

describe.skipIf(s3.kind === 'missing')(
  `the demo on S3${s3.kind === 'missing' ? ' (skipped: no S3 server)' : ''}`,
  () => {
    const url = (): string => {
      if (s3.kind === 'missing') throw new Error(s3.reason)
      const { accessKeyId, secretAccessKey } = s3.credentials
      const address = new URL(s3.endpoint)
      address.username = encodeURIComponent(accessKeyId)
      address.password = encodeURIComponent(secretAccessKey)
      address.pathname = `/demo-${randomBytes(6).toString('hex')}/some/prefix`
      return String(address)
    }

    it.each([[[]], [['--crash']]])('makes the bucket, and its numbers add up %j', async (more) => {
      const { code, stdout, stderr } = await runDemo(['--messages', '100', '--store', url(), ...more])
      expect({ code, failed: stdout.match(/✗.*/g), stderr }).toMatchObject({ code: 0, failed: null })
      expect(numberIn(stdout, 'sent') + numberIn(stdout, 'dead letters')).toBe(100)
    })

    it('lets processes share the work, and the numbers add up', { timeout: 120_000 }, async () => {
      const { code, stdout, stderr } = await runDemo(['--pods', '3', '--messages', '200', '--store', url()])
      expect({ code, failed: stdout.match(/✗.*/g), stderr }).toMatchObject({ code: 0, failed: null })
      expect(numberIn(stdout, 'all')).toBe(200)
    })

    it('gives the tour', async () => {
      const { code, stdout, stderr } = await runDemo(['--tour', '--store', url()])
      expect({ code, failed: stdout.match(/✗.*/g), stderr }).toEqual({ code: 0, failed: null, stderr: '' })
      expect(stdout).toMatch(/All \d+ checks hold\./)
    })
  },
)
