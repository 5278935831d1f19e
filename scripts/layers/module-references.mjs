/**
 * Which modules a TypeScript or JavaScript file refers to, and on which lines. Reads the syntax tree, so that comments and strings that look like
 * imports do not count, and `import type`, `export … from`, `import()`, `require()` and `import('…').Type` do.
 */
import { parseSync, Visitor } from 'oxc-parser'

/** @typedef {{ specifier: string, line: number }} ModuleReference line counts from 1 */

/**
 * @param {string} fileName its ending decides the language
 * @param {string} source
 * @returns {ModuleReference[]} in the order of the file
 * @throws {Error} if the file cannot be parsed
 */
export function moduleReferences(fileName, source) {
  const { program, errors } = parseSync(fileName, source)
  const broken = errors.find((error) => error.severity === 'Error')
  if (broken !== undefined) throw new Error(`${fileName} cannot be parsed: ${broken.message}`)
  /** @type {{ specifier: string, start: number }[]} */
  const found = []
  /** @param {{ type: string, start: number, value?: unknown } | null | undefined} node */
  const add = (node) => {
    if (typeof node?.value === 'string') found.push({ specifier: node.value, start: node.start })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(constantText(node.source)),
    TSImportType: (node) => add(node.source),
    TSExternalModuleReference: (node) => add(node.expression),
    CallExpression: (node) => {
      if (isRequire(node.callee)) add(constantText(node.arguments[0]))
    },
  }).visit(program)
  found.sort((a, b) => a.start - b.start)
  return found.map(({ specifier, start }) => ({ specifier, line: lineAt(source, start) }))
}

/**
 * A string literal, or a template without holes as one.
 * @param {import('oxc-parser').Node | undefined} node
 * @returns {{ type: string, start: number, value?: unknown } | undefined}
 */
function constantText(node) {
  if (node?.type === 'Literal') return node
  if (node?.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined
  return { type: 'Literal', start: node.start, value: node.quasis[0]?.value.cooked }
}

/**
 * Whether a call of it loads or finds a module: `require`, `require.resolve`, `import.meta.resolve`.
 * @param {import('oxc-parser').Node} callee
 * @returns {boolean}
 */
function isRequire(callee) {
  if (callee.type === 'Identifier') return callee.name === 'require'
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return false
  return callee.property.name === 'resolve' && (callee.object.type === 'MetaProperty' || isRequire(callee.object))
}

/**
 * @param {string} source
 * @param {number} offset in UTF-16 units
 */
function lineAt(source, offset) {
  let line = 1
  for (let i = source.indexOf('\n'); i !== -1 && i < offset; i = source.indexOf('\n', i + 1)) line++
  return line
}
