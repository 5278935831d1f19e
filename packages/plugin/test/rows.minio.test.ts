import { describeOnS3 } from '@s3queue/e2e/suite'
import { describeRows } from './rows/index.ts'
import { minio } from './support/place.ts'

describeOnS3('rows', (server) => describeRows(minio(server)))
