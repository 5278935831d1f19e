/** What publint and attw do not look for in a packed package of this repository. */

const REQUIRED = ['package.json', 'README.md', 'LICENSE']
const DEPENDENCY_FIELDS = ['dependencies', 'peerDependencies', 'optionalDependencies']

/**
 * @param {readonly string[]} files paths in the tarball
 * @param {Record<string, unknown>} manifest the package.json in the tarball
 * @returns {string[]} in words; empty if all is well
 */
export function tarballMistakes(files, manifest) {
  const mistakes = []
  for (const name of REQUIRED) if (!files.includes(name)) mistakes.push(`the tarball has no ${name}`)
  if (!files.some((file) => file.startsWith('dist/'))) mistakes.push('the tarball has no dist/: is the package built?')
  for (const file of files) {
    const expected = file.startsWith('dist/') || file === 'CHANGELOG.md' || REQUIRED.includes(file)
    if (!expected) mistakes.push(`the tarball holds ${file}, which users do not need`)
  }
  if (JSON.stringify(manifest.exports ?? null).includes('@s3queue/source')) {
    mistakes.push(
      'exports still has the condition @s3queue/source, whose files are not shipped: leave it out of publishConfig.exports',
    )
  }
  for (const field of DEPENDENCY_FIELDS) {
    for (const [name, range] of Object.entries(/** @type {Record<string, string>} */ (manifest[field] ?? {}))) {
      if (/^(workspace|file|link|catalog):/.test(range))
        mistakes.push(`${field}.${name} is ${range}, which no user can install`)
    }
  }
  return mistakes
}
