import { readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * @typedef {object} PublishedEntry
 * @property {string} reportName `storage` for the main entry, `storage.testing` for `./testing`
 * @property {string} types absolute path of its declarations
 */

/**
 * The entries that a package publishes types for, from the `exports` of its package.json.
 * @param {string} folder of the package
 * @returns {PublishedEntry[]}
 */
export function publishedEntries(folder) {
  /** @type {{ exports?: Record<string, { types?: string } | string> }} */
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const base = path.basename(folder)
  return Object.entries(manifest.exports ?? {}).flatMap(([key, target]) => {
    const types = typeof target === 'string' ? undefined : target.types
    if (types === undefined) return []
    const reportName = [base, ...key.split('/').slice(1)].join('.')
    return [{ reportName, types: path.join(folder, types) }]
  })
}
