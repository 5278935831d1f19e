/** Lets programs outside the workspace import its packages, and the schema library of the examples: preloaded by `node --import`. */
import { registerHooks } from 'node:module'

const packages = new URL('../../packages/', import.meta.url)

registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      return nextResolve(specifier, context)
    } catch (error) {
      // A package may import itself by its name, so a name is looked up from the package that it means.
      const own = /^@s3queue\/([\w-]+)/.exec(specifier)?.[1]
      if (own === undefined && specifier !== 'zod') throw error
      return nextResolve(specifier, { ...context, parentURL: new URL(`${own ?? 'core'}/package.json`, packages).href })
    }
  },
})
