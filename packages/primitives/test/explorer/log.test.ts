import { describe, it } from 'vitest'
import { assertExhausted } from './assert-exploration.ts'
import { LOG_CONFIGURATIONS } from './subjects/configurations.ts'

describe('the fenced log in every interleaving', () => {
  it.each(LOG_CONFIGURATIONS)('$name', { timeout: 120_000 }, assertExhausted)
})
