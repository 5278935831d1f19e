/** The layer check on planted violations, one rule at a time, and on this repository. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { checkLayers } from '../layers/check.mjs'
import { layers, tableMistakes } from '../layers/table.mjs'
import { type PlantedPackage, plantRepository } from './planted-repository.ts'

const storage: PlantedPackage = {
  folder: 'packages/storage',
  manifest: { exports: { '.': './src/index.ts', './testing': './src/testing/index.ts' } },
  files: { 'src/index.ts': 'export {}\n' },
}
const core: PlantedPackage = { folder: 'packages/core', files: { 'src/index.ts': 'export {}\n' } }

function source(folder: string, code: string, file = 'src/planted.ts'): PlantedPackage {
  return { folder, files: { [file]: code } }
}

/** `file:line arrow` of every violation. */
function violationsOf(...packages: PlantedPackage[]): string[] {
  return checkLayers(plantRepository(packages)).violations.map(({ file, line, arrow }) => `${file}:${line} ${arrow}`)
}

test('this repository keeps its layers', () => {
  const { violations } = checkLayers(path.resolve(import.meta.dirname, '../..'))
  expect(violations).toEqual([])
})

test('the table points down only', () => {
  expect(tableMistakes(layers)).toEqual([])
  expect(tableMistakes({ low: { level: 1, uses: ['high'] }, high: { level: 2, uses: [] } })).toHaveLength(1)
  expect(tableMistakes({ one: { level: 1, uses: ['two'] }, two: { level: 1, uses: [] } })).toHaveLength(1)
  expect(tableMistakes({ one: { level: 1, uses: ['two'], beside: true }, two: { level: 1, uses: [] } })).toEqual([])
  expect(tableMistakes({ one: { level: 1, uses: ['nowhere'] } })).toHaveLength(1)
})

test.each([
  ["import { a } from '@s3queue/core'", 1],
  ["import '@s3queue/core'", 1],
  ["import type { A } from '@s3queue/core'", 1],
  ["\n\nimport { type A } from '@s3queue/core'", 3],
  ["export { a } from '@s3queue/core'", 1],
  ["export type { A } from '@s3queue/core'", 1],
  ["export * from '@s3queue/core'", 1],
  ["export const load = () =>\n  import('@s3queue/core')", 2],
  ['export const load = () => import(`@s3queue/core`)', 1],
  ["export type A = import('@s3queue/core').A", 1],
  ["import core = require('@s3queue/core')", 1],
  ["export const core = require('@s3queue/core')", 1],
  ["export const where = import.meta.resolve('@s3queue/core')", 1],
])('an arrow that points up is found: %j', (code, line) => {
  expect(violationsOf(core, source('packages/primitives', code))).toEqual([
    `packages/primitives/src/planted.ts:${line} primitives → core`,
  ])
})

test.each([
  "// import { a } from '@s3queue/core'",
  "/* export * from '@s3queue/core' */ export {}",
  'export const text = "import x from \'@s3queue/core\'"',
  "import { a } from '@s3queue/storage'",
  "import { a } from 'node:buffer'",
])('what is no wrong arrow is left alone: %j', (code) => {
  expect(violationsOf(storage, core, source('packages/primitives', code))).toEqual([])
})

test('the rule says what is allowed', () => {
  const root = plantRepository([core, source('packages/primitives', "export * from '@s3queue/core'")])
  expect(checkLayers(root).violations[0]?.rule).toContain('primitives (layer 2) may use storage')
})

test('neighbours of a layer do not know each other', () => {
  const memory = source('packages/storage-memory', 'export {}', 'src/index.ts')
  expect(violationsOf(memory, source('packages/storage-fs', "export * from '@s3queue/storage-memory'"))).toHaveLength(1)
  expect(violationsOf(memory, source('packages/core', "export * from '@s3queue/storage-memory'"))).toHaveLength(1)
})

test('a test may use what its sources may not', () => {
  const memory = source('packages/storage-memory', 'export {}', 'src/index.ts')
  const coreTest = source('packages/core', "import '@s3queue/storage-memory'", 'test/queue.test.ts')
  expect(violationsOf(memory, coreTest)).toEqual([])
})

test.each(['dependencies', 'peerDependencies', 'optionalDependencies'])('%s follow the arrows too', (field) => {
  const manifest = { [field]: { '@s3queue/core': 'workspace:^', '@aws-sdk/client-s3': '1.0.0' } }
  const primitives = { folder: 'packages/primitives', manifest, files: {} }
  expect(violationsOf(core, primitives)).toEqual([
    'packages/primitives/package.json:1 primitives → core',
    'packages/primitives/package.json:1 primitives → @aws-sdk/client-s3',
  ])
})

test('devDependencies are free', () => {
  const manifest = { devDependencies: { '@s3queue/core': 'workspace:^' } }
  expect(violationsOf(core, { folder: 'packages/primitives', manifest, files: {} })).toEqual([])
})

test.each([
  ['packages/core', '@aws-sdk/client-s3', true],
  ['packages/core', '@aws-sdk/client-s3/dist/x.js', true],
  ['packages/storage-fs', '@smithy/node-http-handler', true],
  ['packages/storage-s3', '@aws-sdk/client-s3', false],
  ['packages/storage-s3', '@aws-sdk/client-sqs', true],
  ['packages/coordinator-sqs', '@aws-sdk/client-sqs', false],
  ['packages/coordinator-sqs', '@aws-sdk/client-s3', true],
  ['packages/core', 's3db.js', true],
  ['packages/coordinator', 's3db.js/plugins', true],
  ['packages/s3db', 's3db.js', false],
  ['packages/plugin', 's3db.js', false],
  ['packages/core', 's3db.json', false],
])('%s imports %s: wrong is %s', (folder, module, wrong) => {
  expect(violationsOf(source(folder, `import '${module}'`))).toHaveLength(wrong ? 1 : 0)
})

test.each([
  ['apps/demo', 'src/main.ts', '@s3queue/storage', false],
  ['apps/demo', 'src/main.ts', '@s3queue/storage/testing', false],
  ['apps/demo', 'src/main.ts', '@s3queue/storage/src/index.ts', true],
  ['apps/demo', 'src/main.ts', '@s3queue/storage/dist/index.js', true],
  ['apps/demo', 'src/main.ts', '@s3queue/nowhere', true],
  ['apps/demo', 'src/main.ts', '../../../packages/storage/src/index.ts', true],
  ['apps/demo', 'src/main.ts', './jobs/resize.ts', false],
  ['tests-e2e', 'test/store.test.ts', '../../packages/storage/src/index.ts', true],
  ['tests-e2e', 'test/store.test.ts', '../harness/minio.ts', false],
  ['packages/core', 'test/queue.test.ts', '../../storage/src/index.ts', true],
  ['packages/core', 'test/queue.test.ts', '../src/index.ts', false],
  ['packages/core', 'test/queue.test.ts', '../../storage/test/parts.ts', false],
  ['packages/core', 'src/queue.ts', '../../storage/test/parts.ts', true],
  ['packages/core', 'test/queue.test.ts', '../../coordinator/test/parts.ts', true],
  ['apps/demo', 'test/demo.test.ts', '../../../packages/storage/test/parts.ts', true],
])('%s/%s refers to %s: wrong is %s', (folder, file, specifier, wrong) => {
  expect(violationsOf(storage, source(folder, `import '${specifier}'`, file))).toHaveLength(wrong ? 1 : 0)
})

test('a package does not import itself by its name', () => {
  expect(violationsOf(source('packages/core', "import '@s3queue/core'"))).toHaveLength(1)
})

test('a package in no layer is an error', () => {
  expect(violationsOf(source('packages/helpdesk', 'export {}'))).toEqual([
    'packages/helpdesk/package.json:1 helpdesk → ?',
  ])
})

test('a long source file is a warning, a long test is not', () => {
  const long = 'export {}\n'.repeat(401)
  const root = plantRepository([{ folder: 'packages/core', files: { 'src/a.ts': long, 'test/a.test.ts': long } }])
  expect(checkLayers(root)).toMatchObject({
    violations: [],
    warnings: [expect.stringContaining('src/a.ts has 401 lines')],
  })
})

test('a file that cannot be parsed is an error, not an empty file', () => {
  expect(() => violationsOf(source('packages/core', 'import { from'))).toThrow(
    'packages/core/src/planted.ts cannot be parsed',
  )
})

test('built files and dependencies are not read', () => {
  const files = { 'dist/index.js': "import '@s3queue/plugin'", 'node_modules/x/index.js': "import '@s3queue/plugin'" }
  expect(violationsOf({ folder: 'packages/core', files })).toEqual([])
})

test('the command fails and names file, line, arrow and rule', () => {
  const root = plantRepository([core, source('packages/primitives', "\nexport * from '@s3queue/core'")])
  const command = path.resolve(import.meta.dirname, '../check-layers.mjs')
  const { status, stdout } = spawnSync(process.execPath, [command, root], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stdout).toContain('packages/primitives/src/planted.ts:2: primitives → core')
  expect(stdout).toContain('imports point down only')
})
