/** Starts a server and waits to be killed: a child of the test of the harness. */
import { existingBinary } from '../harness/minio-binary.ts'

const server = await existingBinary({ env: process.env, log: () => undefined })
process.send?.(typeof server === 'string' ? 'none' : { endpoint: server.endpoint })
process.once('disconnect', () => process.exit())
