import { defineConfig } from 'tsup'
import { base } from '../../tsup.base.ts'

export default defineConfig({ ...base, target: 'node24', entry: ['src/main.ts', 'src/pods/pod-process.ts'] })
