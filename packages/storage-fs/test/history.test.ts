import { expect, test } from 'vitest'
import { type Answered, assertLinearizable, type Called, createHistory, type ObjectState } from './model/history.ts'

const start: ObjectState = { body: 'old', etag: 'e0' }
const cas = (body: string): Called => ({ call: 'if-match', body, etag: 'e0' })
const stored = (etag: string): Answered => ({ answer: 'stored', etag })
const found = (body: string, etag: string): Answered => ({ answer: 'found', body, etag })

/** Calls that overlap begin in one row; each row begins when the one before has ended. */
function check(...rows: readonly (readonly [Called, Answered | undefined])[][]): void {
  const history = createHistory()
  for (const row of rows) {
    const ends = row.map(([called, answered]) => [history.begin(called), answered] as const)
    for (const [end, answered] of ends) if (answered !== undefined) end(answered)
  }
  assertLinearizable(history.operations, start)
}

test('finds an order where there is one', () => {
  check([[cas('a'), stored('e1')]], [[{ call: 'get' }, found('a', 'e1')]])
  check([
    [cas('a'), stored('e1')],
    [{ call: 'get' }, found('old', 'e0')],
    [cas('b'), { answer: 'precondition-failed' }],
  ])
  check([
    [cas('a'), stored('e1')],
    [{ call: 'delete' }, { answer: 'deleted' }],
  ])
  check([[{ call: 'list' }, { answer: 'listed', size: 3 }]])
})

test('lets a crashed or unknown write take place, later too, or not at all', () => {
  for (const answered of [undefined, { answer: 'unknown' } as const]) {
    check([[cas('a'), answered]], [[{ call: 'get' }, found('old', 'e0')]])
    check([[cas('a'), answered]], [[{ call: 'get' }, found('old', 'e0')]], [[{ call: 'get' }, found('a', 'e7')]])
    check(
      [[cas('a'), answered]],
      [[{ call: 'get' }, found('a', 'e7')]],
      [[{ call: 'if-match', body: 'b', etag: 'e7' }, stored('e8')]],
    )
  }
})

test.each<[string, () => void]>([
  [
    'two followers of one version',
    () =>
      check([
        [cas('a'), stored('e1')],
        [cas('b'), stored('e2')],
      ]),
  ],
  ['a read of what was replaced', () => check([[cas('a'), stored('e1')]], [[{ call: 'get' }, found('old', 'e0')]])],
  [
    'a read that goes back',
    () =>
      check(
        [
          [cas('a'), stored('e1')],
          [{ call: 'get' }, found('a', 'e1')],
        ],
        [[{ call: 'get' }, found('old', 'e0')]],
      ),
  ],
  ['a body under the ETag of another', () => check([[cas('a'), stored('e1')]], [[{ call: 'get' }, found('a', 'e0')]])],
  ['a failure without a cause', () => check([[cas('a'), { answer: 'precondition-failed' }]])],
  ['a create over an object', () => check([[{ call: 'create', body: 'a' }, stored('e1')]])],
  [
    'an object that came back',
    () => check([[{ call: 'delete' }, { answer: 'deleted' }]], [[{ call: 'get' }, found('old', 'e0')]]),
  ],
  [
    'a replaced object that was not there',
    () => check([[{ call: 'delete' }, { answer: 'deleted' }]], [[cas('a'), stored('e1')]]),
  ],
  [
    'a list that is late',
    () => check([[cas('longer'), stored('e1')]], [[{ call: 'list' }, { answer: 'listed', size: 3 }]]),
  ],
  ['a list that misses it', () => check([[{ call: 'list' }, { answer: 'listed', size: undefined }]])],
  [
    'no change where there was one',
    () => check([[cas('a'), stored('e1')]], [[{ call: 'get', ifNoneMatch: 'e0' }, { answer: 'not-modified' }]]),
  ],
])('finds %s', (_, run) => {
  expect(run).toThrow('No order explains')
})
