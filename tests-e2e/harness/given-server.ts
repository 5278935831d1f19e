import type { S3Server, StartOptions } from './s3-server.ts'

/** The server that `E2E_S3_ENDPOINT` names. Wrong settings are an error, not a reason to look elsewhere. */
export async function givenServer({ env }: StartOptions): Promise<S3Server | string> {
  const url = env.E2E_S3_ENDPOINT
  if (url === undefined || url === '') return 'E2E_S3_ENDPOINT is not set'
  if (!URL.canParse(url)) throw new Error('E2E_S3_ENDPOINT must be an address such as http://127.0.0.1:9000.')
  const { username, password, origin } = new URL(url)
  return {
    endpoint: origin,
    region: env.E2E_S3_REGION ?? 'us-east-1',
    credentials: {
      accessKeyId: decodeURIComponent(username) || (env.E2E_S3_ACCESS_KEY ?? 'minioadmin'),
      secretAccessKey: decodeURIComponent(password) || (env.E2E_S3_SECRET_KEY ?? 'minioadmin'),
    },
    source: `E2E_S3_ENDPOINT (${origin})`,
    stop: async () => undefined,
  }
}
