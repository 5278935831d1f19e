import { describeRows } from './rows/index.ts'
import { files } from './support/place.ts'

describeRows(files())
