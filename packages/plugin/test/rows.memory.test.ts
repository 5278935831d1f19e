import { describeRows } from './rows/index.ts'
import { memory } from './support/place.ts'

describeRows(memory)
