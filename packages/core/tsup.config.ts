import { defineConfig } from 'tsup'
import { base } from '../../tsup.base.ts'

export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/shard/index.ts', 'src/state/index.ts', 'src/transport/index.ts'],
})
