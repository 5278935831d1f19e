import { defineConfig } from 'vitest/config'

const resolve = { conditions: ['@s3queue/source', 'node', 'import', 'default'] }
const ssr = { resolve: { conditions: ['@s3queue/source', 'node', 'import', 'default'] } }

/** Tests of a package run on its sources, without a build. What needs a real S3 server is named `*.minio.test.ts`. */
export default defineConfig({
  test: {
    // All cores: by default one is left free, which on a machine of two leaves one.
    maxWorkers: '100%',
    reporters: ['default', './scripts/closing-line-reporter.mjs'],
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['{packages,apps}/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'],
          exclude: ['**/*.minio.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'minio',
          include: [
            '{packages,apps}/*/test/**/*.minio.test.ts',
            'scripts/test/**/*.minio.test.ts',
            'tests-e2e/test/**/*.test.ts',
          ],
          globalSetup: ['tests-e2e/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
