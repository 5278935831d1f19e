import { describe, expect, it } from 'vitest'
import { readRecipients } from '../src/recipients.ts'

describe('the list of recipients', () => {
  it('has good rows and all kinds of bad ones, also near its beginning', async () => {
    for (const count of [undefined, 40]) {
      const rows = await readRecipients(count)
      expect(rows).toHaveLength(count ?? 400)
      const bad = rows.filter(({ expected }) => expected === 'dead')
      expect(bad.some(({ name }) => name.trim() === '')).toBe(true)
      expect(bad.some(({ email }) => /@$/.test(email))).toBe(true)
      expect(bad.some(({ duplicateOf }) => duplicateOf !== undefined)).toBe(true)
      expect(rows.filter(({ expected }) => expected === 'sent').length).toBeGreaterThan(rows.length * 0.8)
    }
  })

  it('reads quoted fields as they are meant', async () => {
    const names = (await readRecipients()).map(({ name }) => name)
    expect(names.some((name) => /^\S+, \S+$/.test(name))).toBe(true)
    expect(names.some((name) => /^\S+ "\S+" \S+$/.test(name))).toBe(true)
  })

  it('never has two good rows with one address, however long it gets', async () => {
    const rows = await readRecipients(1000)
    const addresses = rows.filter(({ expected }) => expected === 'sent').map(({ email }) => email.toLowerCase())
    expect(new Set(addresses).size).toBe(addresses.length)
    const taggedTwice = rows.at(-1)?.email ?? ''
    expect(taggedTwice).toMatch(/\+3@/)
  })

  it('takes an address for a duplicate whatever its case', async () => {
    const rows = await readRecipients()
    const duplicates = rows.filter(({ expected, duplicateOf }) => expected === 'dead' && duplicateOf !== undefined)
    for (const { email, duplicateOf = 0 } of duplicates)
      expect(rows[duplicateOf - 1]?.email.toLowerCase()).toBe(email.toLowerCase())
    expect(duplicates.some(({ email }) => email !== email.toLowerCase())).toBe(true)
  })
})
