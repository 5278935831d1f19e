import { describe, it } from 'vitest'
import { assertExhausted } from './assert-exploration.ts'
import { CAS_CONFIGURATIONS, LEASE_CONFIGURATIONS } from './subjects/configurations.ts'

describe('a CAS object in every interleaving', () => {
  it.each(CAS_CONFIGURATIONS)('$name', { timeout: 120_000 }, assertExhausted)
})

describe('a lease and a lock in every interleaving, with time', () => {
  it.each(LEASE_CONFIGURATIONS)('$name', { timeout: 120_000 }, assertExhausted)
})
