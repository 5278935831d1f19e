/** Writes a small repository into a temporary folder, for checks that read one from disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

export interface PlantedPackage {
  /** Folder from the root, such as `packages/core`. */
  readonly folder: string
  /** Fields of its package.json; the name follows from the folder. */
  readonly manifest?: Record<string, unknown>
  /** Path inside the package → source. */
  readonly files: Readonly<Record<string, string>>
}

/** The root of the new repository. It is removed when the test ends. */
export function plantRepository(packages: readonly PlantedPackage[]): string {
  const root = mkdtempSync(path.join(tmpdir(), 's3queue-planted-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const { folder, manifest, files } of packages) {
    const name = `@s3queue/${path.basename(folder)}`
    write(root, `${folder}/package.json`, JSON.stringify({ name, exports: { '.': './src/index.ts' }, ...manifest }))
    for (const [file, source] of Object.entries(files)) write(root, `${folder}/${file}`, source)
  }
  return root
}

function write(root: string, file: string, text: string): void {
  const target = path.join(root, file)
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, text)
}
