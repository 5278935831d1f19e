import { describe, expect, it } from 'vitest'
import { readOptions, UsageError } from '../src/options.ts'

describe('the command line', () => {
  it('has defaults', () => {
    expect(readOptions([])).toEqual({
      ...{ messages: undefined, concurrency: 20, place: undefined },
      ...{ crash: false, pods: undefined, tour: false, keep: false, quiet: false },
    })
  })

  it('is understood', () => {
    expect(readOptions(['-n', '5', '--concurrency=7', '--crash', '--keep', '-q', '--store', 'fs:here'])).toEqual({
      ...{ messages: 5, concurrency: 7, crash: true, pods: undefined, tour: false, keep: true, quiet: true },
      place: { kind: 'fs', directory: 'here' },
    })
    expect(readOptions(['--directory', 'there'])).toMatchObject({ place: { kind: 'fs', directory: 'there' } })
    const url = 's3://key:secret@127.0.0.1:9000/bucket'
    expect(readOptions(['--store', url])).toMatchObject({ place: { kind: 's3', url } })
    expect(readOptions(['--tour', '--keep', '-d', 'there'])).toMatchObject({ tour: true, keep: true })
    expect(readOptions(['--pods', '4'])).toMatchObject({ pods: 4, crash: false })
    expect(readOptions(['--crash', '--help'])).toBe('help')
  })

  it.each([
    [['--mesages', '3'], 'Did you mean --messages?'],
    [['--messages', '0'], 'from 1 to 100,000, not "0"'],
    [['--messages', '1e3'], 'not "1e3"'],
    [['--messages'], '--messages needs a value'],
    [['--concurrency', '501'], 'from 1 to 500'],
    [['--crash=yes'], '--crash takes no value'],
    [['--store', 'gs://bucket'], '--store takes s3://…'],
    [['--store', 'fs:'], 'needs the path'],
    [['--store', 's3://user@host:9000/bucket'], 'a key and a secret'],
    [['--store', 'fs:a', '--directory', 'b'], 'give one of them'],
    [['--tour', '-n', '5'], '--messages means nothing to --tour'],
    [['--crash', '--tour'], '--crash means nothing to --tour'],
    [['--pods'], '--pods needs a value'],
    [['--pods', '1'], 'from 2 to 16, not "1"'],
    [['--pods', '4', '--crash'], 'leave --crash out'],
    [['--pods', '4', '--tour'], '--pods means nothing to --tour'],
    [['extra'], '"extra" is not an option'],
  ])('refuses %j', (args, words) => {
    expect(() => readOptions(args)).toThrow(UsageError)
    expect(() => readOptions(args)).toThrow(words)
  })

  it('does not repeat a secret', () => {
    expect(() => readOptions(['--store', 's3://key:hidden@host:9000'])).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hidden') }),
    )
  })
})
