/** One run of the compiler over all programs; what it finds is said in lines of the pages. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { borrowed } from './borrowed-packages.mjs'
import type { Program } from './programs.ts'

/** What the compiler has to say, as `page:line: message`. Empty if nothing. */
export async function checkTypes(root: string, folder: string, programs: readonly Program[]): Promise<string[]> {
  const typescript = programs.filter(({ example }) => example.language === 'ts')
  if (typescript.length === 0) return []
  const config = {
    extends: path.join(root, 'tsconfig.base.json'),
    compilerOptions: {
      ...{ isolatedDeclarations: false, declaration: false, declarationMap: false, noUnusedLocals: false },
      ...{ exactOptionalPropertyTypes: false, noUnusedParameters: false },
      typeRoots: [path.join(root, 'node_modules/@types')],
      paths: {
        '@s3queue/storage/testing': [path.join(root, 'packages/storage/src/testing/index.ts')],
        '@s3queue/*': [path.join(root, 'packages/*/src/index.ts')],
        ...Object.fromEntries(Object.entries(borrowed).map(([name, by]) => [name, [declarationsOf(root, name, by)]])),
      },
    },
    files: typescript.map(({ file }) => file),
  }
  const project = path.join(folder, 'tsconfig.json')
  writeFileSync(project, JSON.stringify(config))
  const output = await run(path.join(root, 'node_modules/.bin/tsc'), ['-p', project, '--pretty', 'false'], root)
  return output.split('\n').flatMap((line) => (line.trim() === '' ? [] : inPage(line, typescript, root)))
}

/** Where the types of a package of others are, as its manifest says. */
function declarationsOf(root: string, name: string, by: string): string {
  const folder = path.join(root, 'packages', by, 'node_modules', name)
  const { types } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { types: string }
  return path.join(folder, types)
}

/** Continuation lines of the compiler have no place and stay as they are. */
function inPage(line: string, programs: readonly Program[], root: string): string[] {
  const [, file = '', row = '', message = ''] = /^(.+?)\((\d+),\d+\): (.*)$/.exec(line) ?? []
  const program = programs.find((each) => path.resolve(root, file) === each.file)
  if (program === undefined) return [line]
  return [`${program.example.page}:${program.example.line + Number(row) - 1 - program.offset}: ${message}`]
}

function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0 && output === '') output = `tsc ended with ${code}`
      resolve(output)
    })
  })
}
