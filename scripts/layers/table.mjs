/**
 * The layers as data: which package stands where, and which packages of this repository it may use.
 *
 * Imports point down only. A package uses packages of lower layers; a neighbour in the same layer only where that is the point of
 * it (every store adapter uses the port). Stores and transports are handed in from outside, so the engine does not use them: only the composition root does.
 */

/**
 * @typedef {object} Layer
 * @property {number} level 1 is the bottom
 * @property {readonly string[]} uses folders below `packages/` that it may import and depend on
 * @property {boolean} [beside] whether `uses` may name packages of its own level
 */

/** @type {Readonly<Record<string, Layer>>} */
export const layers = {
  storage: { level: 1, uses: [] },
  'storage-memory': { level: 1, uses: ['storage'], beside: true },
  'storage-fs': { level: 1, uses: ['storage'], beside: true },
  'storage-s3': { level: 1, uses: ['storage'], beside: true },
  primitives: { level: 2, uses: ['storage'] },
  core: { level: 3, uses: ['storage', 'primitives'] },
  coordinator: { level: 4, uses: ['storage', 'primitives', 'core'] },
  'coordinator-http': { level: 4, uses: ['storage', 'primitives', 'core', 'coordinator'], beside: true },
  'coordinator-redis': { level: 4, uses: ['storage', 'primitives', 'core', 'coordinator'], beside: true },
  'coordinator-sqs': { level: 4, uses: ['storage', 'primitives', 'core', 'coordinator'], beside: true },
  s3db: { level: 4, uses: ['storage', 'primitives', 'core'] },
  plugin: {
    level: 5,
    uses: [
      'storage',
      'storage-memory',
      'storage-fs',
      'storage-s3',
      'primitives',
      'core',
      'coordinator',
      'coordinator-http',
      'coordinator-redis',
      'coordinator-sqs',
      's3db',
    ],
  },
}

/**
 * @typedef {object} Reserved
 * @property {RegExp} module matches the name of a module
 * @property {string} what in words, for the message
 * @property {readonly string[]} allowed folders below `packages/` whose sources may import it
 */

/**
 * Modules that must not be dragged into everybody's install.
 * @type {readonly Reserved[]}
 */
export const reserved = [
  { module: /^@aws-sdk\/client-sqs(\/|$)/, what: 'the SQS client', allowed: ['coordinator-sqs'] },
  { module: /^@(aws-sdk|smithy)\/(?!client-sqs(\/|$))/, what: 'the AWS SDK', allowed: ['storage-s3'] },
  { module: /^s3db\.js(\/|$)/, what: 's3db.js', allowed: ['s3db', 'plugin'] },
]

/**
 * Mistakes of the table itself: arrows that point up or at nothing.
 * @param {Readonly<Record<string, Layer>>} table
 * @returns {string[]}
 */
export function tableMistakes(table) {
  const mistakes = []
  for (const [name, layer] of Object.entries(table)) {
    for (const used of layer.uses) {
      const target = table[used]
      if (target === undefined) mistakes.push(`${name} uses ${used}, which is in no layer`)
      else if (target.level > layer.level || (target.level === layer.level && layer.beside !== true)) {
        mistakes.push(`${name} (layer ${layer.level}) uses ${used} (layer ${target.level}): arrows point down only`)
      }
    }
  }
  return mistakes
}
