/**
 * The rules about what may refer to what. Each rule is a function from the packages to its violations.
 *
 * @typedef {object} Violation
 * @property {string} file path from the root
 * @property {number} line
 * @property {string} arrow what refers to what
 * @property {string} rule why not, and what to do
 */
import path from 'node:path'

/** @typedef {import('./workspace.mjs').WorkspacePackage} WorkspacePackage */
/** @typedef {import('./table.mjs').Layer} Layer */

const SCOPE = '@s3queue/'

/**
 * Every package has its place in the table, and shipped sources and dependencies follow its arrows.
 * @param {readonly WorkspacePackage[]} packages
 * @param {Readonly<Record<string, Layer>>} table
 * @returns {Violation[]}
 */
export function wrongArrows(packages, table) {
  /** @type {Violation[]} */
  const violations = []
  for (const { folder, layerName, manifest, files } of packages) {
    if (layerName === undefined) continue
    const manifestFile = `${folder}/package.json`
    const layer = table[layerName]
    if (layer === undefined) {
      const rule = 'every package has its place in scripts/layers/table.mjs: add it there'
      violations.push({ file: manifestFile, line: 1, arrow: `${layerName} → ?`, rule })
      continue
    }
    /** @param {{ file: string, line: number, specifier: string }} reference */
    const check = ({ file, line, specifier }) => {
      const target = workspaceTarget(specifier)
      if (target === undefined || layer.uses.includes(target)) return
      violations.push({ file, line, arrow: `${layerName} → ${target}`, rule: arrowRule(layerName, layer, target) })
    }
    for (const reference of shippedReferences(files)) check(reference)
    for (const specifier of runtimeDependencies(manifest)) check({ file: manifestFile, line: 1, specifier })
  }
  return violations
}

/**
 * @param {string} layerName
 * @param {Layer} layer
 * @param {string} target
 */
function arrowRule(layerName, layer, target) {
  if (target === layerName) return 'files of one package import each other by relative paths'
  const may = layer.uses.join(', ') || 'no package of this repository'
  return `${layerName} (layer ${layer.level}) may use ${may}: imports point down only`
}

/**
 * Heavy modules stay in the package made for them.
 * @param {readonly WorkspacePackage[]} packages
 * @param {readonly import('./table.mjs').Reserved[]} reserved
 * @returns {Violation[]}
 */
export function reservedModules(packages, reserved) {
  /** @type {Violation[]} */
  const violations = []
  for (const { folder, layerName, manifest, files } of packages) {
    if (layerName === undefined) continue
    const used = shippedReferences(files)
    for (const name of runtimeDependencies(manifest))
      used.push({ file: `${folder}/package.json`, line: 1, specifier: name })
    for (const { file, line, specifier } of used) {
      const match = reserved.find(({ module, allowed }) => module.test(specifier) && !allowed.includes(layerName))
      if (match === undefined) continue
      const rule = `only ${match.allowed.join(' and ')} may use ${match.what}`
      violations.push({ file, line, arrow: `${layerName} → ${specifier}`, rule })
    }
  }
  return violations
}

/**
 * Across packages only published entries count: no path into another package, no file that its `exports` does not name. Holds for tests and apps too;
 * but a test may build on the tests of a package that its own may use.
 * @param {readonly WorkspacePackage[]} packages
 * @param {Readonly<Record<string, Layer>>} table
 * @returns {Violation[]}
 */
export function unpublishedEntries(packages, table) {
  /** @type {Violation[]} */
  const violations = []
  for (const { folder, layerName = '', files } of packages) {
    const tests = (table[layerName]?.uses ?? []).map((used) => `packages/${used}/test/`)
    for (const { file, references } of files) {
      const reach = file.startsWith(`${folder}/test/`) ? [`${folder}/`, ...tests] : [`${folder}/`]
      for (const { specifier, line } of references) {
        const rule = isRelative(specifier) ? outOfReach(reach, file, specifier) : notExported(packages, specifier)
        if (rule !== undefined) violations.push({ file, line, arrow: `${folder} → ${specifier}`, rule })
      }
    }
  }
  return violations
}

/**
 * @param {readonly string[]} reach folders, the file's own first
 * @param {string} file
 * @param {string} specifier
 * @returns {string | undefined} the rule that is broken
 */
function outOfReach(reach, file, specifier) {
  const target = path.posix.join(path.posix.dirname(file), specifier)
  if (reach.some((folder) => `${target}/`.startsWith(folder))) return undefined
  return `a relative import stays inside ${reach[0]?.slice(0, -1)}; import another package by its name`
}

/**
 * @param {readonly WorkspacePackage[]} packages
 * @param {string} specifier
 * @returns {string | undefined} the rule that is broken
 */
function notExported(packages, specifier) {
  if (!specifier.startsWith(SCOPE)) return undefined
  const name = specifier.split('/', 2).join('/')
  const target = packages.find(({ manifest }) => manifest.name === name)
  if (target === undefined) return `there is no package ${name} in this repository`
  const entries = Object.keys(target.manifest.exports ?? {})
  const entry = `.${specifier.slice(name.length)}`
  if (entries.includes(entry)) return undefined
  return `${name} publishes ${entries.map((key) => name + key.slice(1)).join(', ') || 'no entry'} only`
}

/**
 * The folder below `packages/` that a module name stands for.
 * @param {string} specifier
 * @returns {string | undefined} undefined for modules from elsewhere
 */
function workspaceTarget(specifier) {
  return specifier.startsWith(SCOPE) ? specifier.slice(SCOPE.length).split('/', 1)[0] : undefined
}

/**
 * @param {readonly import('./workspace.mjs').SourceFile[]} files
 * @returns {{ file: string, line: number, specifier: string }[]}
 */
function shippedReferences(files) {
  return files
    .filter(({ shipped }) => shipped)
    .flatMap(({ file, references }) => references.map(({ line, specifier }) => ({ file, line, specifier })))
}

/**
 * What comes along when a user installs the package.
 * @param {import('./workspace.mjs').Manifest} manifest
 */
function runtimeDependencies(manifest) {
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies })
}

/** @param {string} specifier */
function isRelative(specifier) {
  return specifier.startsWith('.') || specifier.startsWith('/')
}
