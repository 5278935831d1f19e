/** Lets programs outside the workspace import its packages, and those of others that the examples use: preloaded by `node --import`. */
import { registerHooks } from 'node:module'
import { borrowed } from './borrowed-packages.mjs'

const packages = new URL('../../packages/', import.meta.url)

registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      return nextResolve(specifier, context)
    } catch (error) {
      // A package may import itself by its name, so a name is looked up from the package that it means.
      const own = /^@s3queue\/([\w-]+)/.exec(specifier)?.[1] ?? borrowed[specifier]
      if (own === undefined) throw error
      return nextResolve(specifier, { ...context, parentURL: new URL(`${own}/package.json`, packages).href })
    }
  },
})
