/** Packages of others that examples in the documentation import, and the package of ours that has them installed. */

/** @type {Readonly<Record<string, string>>} */
export const borrowed = { zod: 'core', 's3db.js': 'plugin' }
