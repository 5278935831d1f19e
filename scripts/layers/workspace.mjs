/** Reads the packages of the repository from disk: their manifests and their source files. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { moduleReferences } from './module-references.mjs'

/**
 * @typedef {object} Manifest the fields of a package.json that matter here
 * @property {string} name
 * @property {Record<string, unknown>} [exports]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * @typedef {object} SourceFile
 * @property {string} file path from the root of the repository, with slashes
 * @property {boolean} shipped whether it is part of the package: below `src/`
 * @property {number} lines
 * @property {import('./module-references.mjs').ModuleReference[]} references
 */

/**
 * @typedef {object} WorkspacePackage
 * @property {string} folder path from the root, such as `packages/core`
 * @property {string | undefined} layerName folder below `packages/`; undefined for what stands outside the layers
 * @property {Manifest} manifest
 * @property {SourceFile[]} files
 */

/**
 * @param {string} root
 * @returns {WorkspacePackage[]} in order of their folders
 */
export function readWorkspace(root) {
  const folders = ['packages/*', 'apps/*', 'tests-e2e'].flatMap((pattern) => globSync(pattern, { cwd: root }))
  return folders
    .map((folder) => folder.replaceAll(path.sep, '/'))
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
    .sort()
    .map((folder) => readPackage(root, folder))
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {WorkspacePackage}
 */
function readPackage(root, folder) {
  /** @type {Manifest} */
  const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
  const layerName = folder.startsWith('packages/') ? folder.slice('packages/'.length) : undefined
  const files = globSync('**/*.{ts,tsx,mts,mjs,js}', { cwd: path.join(root, folder), exclude: isOutside })
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => !/(^|\/)[^/]*\.config\.[^/]+$/.test(file))
    .sort()
    .map((file) => readSource(root, `${folder}/${file}`, file.startsWith('src/')))
  return { folder, layerName, manifest, files }
}

/** @param {string} name a path or a name of a folder that a glob comes across */
function isOutside(name) {
  return /(^|[\\/])(node_modules|dist|temp|coverage|data|\.turbo)$/.test(name)
}

/**
 * @param {string} root
 * @param {string} file
 * @param {boolean} shipped
 * @returns {SourceFile}
 */
function readSource(root, file, shipped) {
  const source = readFileSync(path.join(root, file), 'utf8')
  return { file, shipped, lines: source.split('\n').length - 1, references: moduleReferences(file, source) }
}
