/**
 * The public API of a package as a text in git: `etc/<name>.api.md`, one for each published entry. A change of the API shows as a change of
 * that file, so it is seen in review and never slips in. Run in the folder of a built package.
 *
 * node ../../scripts/api-report.mjs [--update]
 * Without --update it fails where the report differs from the declarations in `dist/`, or is left over from an entry that is gone.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { publishedEntries } from './published-entries.mjs'

const UPDATE_COMMAND = 'pnpm api:update'

const folder = process.cwd()
const etc = path.join(folder, 'etc')
const update = process.argv.slice(2).includes('--update')

const entries = publishedEntries(folder)
mkdirSync(etc, { recursive: true })
const stale = staleReports(entries.map(({ reportName }) => `${reportName}.api.md`))
if (update) for (const name of stale) rmSync(path.join(etc, name))

const differing = entries.filter((entry) => !writeReport(entry)).map(({ reportName }) => `etc/${reportName}.api.md`)
const wrong = update ? [] : [...differing, ...stale.map((name) => `etc/${name}`)]
if (wrong.length > 0) {
  console.error(`${path.basename(folder)}: the public API and ${wrong.join(', ')} differ.`)
  console.error(`If the change is meant, run \`${UPDATE_COMMAND}\` and commit the report with it.`)
  process.exitCode = 1
}

/**
 * Compares the report with the declarations, or writes it.
 * @param {import('./published-entries.mjs').PublishedEntry} entry
 * @returns {boolean} whether the report is right
 */
function writeReport({ reportName, types }) {
  const temporary = mkdtempSync(path.join(tmpdir(), 's3queue-api-'))
  try {
    const config = extractorConfig(reportName, types, temporary)
    const result = Extractor.invoke(config, {
      localBuild: update,
      printApiReportDiff: !update,
      compilerState: CompilerState.create(config),
      messageCallback: quietUnlessBroken,
    })
    if (result.errorCount > 0)
      throw new Error(`${reportName}: api-extractor found ${result.errorCount} errors, see above`)
    return update || !result.apiReportChanged
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/**
 * @param {string} reportName
 * @param {string} types
 * @param {string} temporary folder for what api-extractor writes on the way
 */
function extractorConfig(reportName, types, temporary) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: path.join(folder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2022',
            lib: ['ES2023'],
            module: 'NodeNext',
            strict: true,
            skipLibCheck: true,
            types: ['node'],
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${reportName}.api.md`,
        reportFolder: etc,
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  })
}

/**
 * What api-extractor finds stands in the report, and what it says about versions of compilers nobody needs: only errors and the differences are shown.
 * @param {import('@microsoft/api-extractor').ExtractorMessage} message
 */
function quietUnlessBroken(message) {
  const isDifference = message.messageId === 'console-api-report-diff'
  if (message.logLevel !== ExtractorLogLevel.Error && !isDifference) message.handled = true
}

/**
 * @param {readonly string[]} current names of the reports that there should be
 * @returns {string[]}
 */
function staleReports(current) {
  return readdirSync(etc).filter((name) => name.endsWith('.api.md') && !current.includes(name))
}
