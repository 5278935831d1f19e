/** Lets programs outside the workspace import its packages, and what the packages are tested with: preloaded by `node --import`. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const packages = new URL('../../packages/', import.meta.url)
/** Has the schema library of the examples. */
const core = new URL('core/package.json', packages)

registerHooks({
  resolve(specifier, context, nextResolve) {
    const own = /^@s3queue\/([\w-]+)/.exec(specifier)?.[1]
    // A package may import itself by its name, so every name is looked up from the package that it means.
    if (own !== undefined) return nextResolve(specifier, { ...context, parentURL: new URL(`${own}/package.json`, packages).href })
    if (isBare(specifier) && !context.parentURL?.startsWith(packages.href) && !isInstalled(context.parentURL))
      return nextResolve(specifier, { ...context, parentURL: core.href })
    return nextResolve(specifier, context)
  },
})

/** @param {string} specifier */
function isBare(specifier) {
  return /^[^./]/.test(specifier) && !/^(node|file|data):/.test(specifier)
}

/** @param {string | undefined} parentURL */
function isInstalled(parentURL) {
  return parentURL === undefined || parentURL.includes('/node_modules/') || parentURL === pathToFileURL(process.cwd()).href
}
