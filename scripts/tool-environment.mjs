import path from 'node:path'

const bin = path.resolve(import.meta.dirname, '../node_modules/.bin')

/**
 * The environment for tools that a script starts: the repository's own binaries first (its Node too), and no telemetry or
 * update notice, so that nothing here talks to the network.
 * @returns {NodeJS.ProcessEnv}
 */
export function toolEnvironment() {
  const { PATH = '', ...rest } = process.env
  return {
    ...rest,
    PATH: PATH.split(path.delimiter).includes(bin) ? PATH : `${bin}${path.delimiter}${PATH}`,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
  }
}
