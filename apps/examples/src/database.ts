/** A connected database of s3db.js: in memory unless the user names another place. */
import { Database } from 's3db.js'

/** `connection`: as s3db.js has it: `memory://…`, `file://…`, `s3://KEY:SECRET@bucket/prefix`, `http://KEY:SECRET@host:port/bucket/prefix`. */
export async function openDatabase(connection = 'memory://examples/app'): Promise<Database> {
  const database = new Database({
    connectionString: connection,
    logLevel: 'silent',
    // The version of recker that this workspace takes fails at answers without a body; with the library's own choice leave this out.
    clientOptions: { httpClientOptions: { useReckerHandler: false } },
  } as ConstructorParameters<typeof Database>[0])
  await database.connect()
  return database
}
