import { createReferenceStore, describeObjectStore } from '../../src/testing/index.ts'

describeObjectStore('the reference store', () => createReferenceStore(), { watch: true })
