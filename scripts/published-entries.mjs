import { readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * @typedef {object} PublishedEntry
 * @property {string} reportName `storage` for the main entry, `storage.testing` for `./testing`
 * @property {string} types absolute path of its declarations
 */

/**
 * The entries that a package publishes types for: from `publishConfig.exports`, which takes the place of `exports` in the tarball.
 * @param {string} folder of the package
 * @returns {PublishedEntry[]}
 */
export function publishedEntries(folder) {
  /** @typedef {Record<string, { types?: string } | string>} Exports */
  /** @type {{ exports?: Exports, publishConfig?: { exports?: Exports } }} */
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const base = path.basename(folder)
  return Object.entries(manifest.publishConfig?.exports ?? manifest.exports ?? {}).flatMap(([key, target]) => {
    const types = typeof target === 'string' ? undefined : target.types
    if (types === undefined) return []
    const reportName = [base, ...key.split('/').slice(1)].join('.')
    return [{ reportName, types: path.join(folder, types) }]
  })
}
