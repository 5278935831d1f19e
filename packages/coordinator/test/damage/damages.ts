/** What can become of an object: each damage says what lies in its place afterwards; undefined: nothing. */
import type { Scene } from './scene.ts'

export interface Damage {
  readonly name: string
  readonly body: Uint8Array | undefined
}

export function damagesOf({ objects, older }: Scene, key: string): Damage[] {
  const body = objects.get(key) ?? new Uint8Array()
  const damages: Damage[] = [
    { name: 'deleted', body: undefined },
    { name: 'empty', body: new Uint8Array() },
    { name: 'half of it', body: body.subarray(0, body.length >> 1) },
    { name: 'without its last byte', body: body.subarray(0, -1) },
    { name: 'doubled', body: Buffer.concat([body, body]) },
    { name: 'zeros', body: new Uint8Array(body.length) },
  ]
  for (const part of [0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.97]) {
    const at = Math.floor(part * body.length)
    damages.push({ name: `a flipped bit at ${at}`, body: flipped(body, at * 8 + (at % 8)) })
  }
  const before = older.get(key)
  if (before !== undefined) damages.push({ name: 'an older version', body: before })
  for (const other of [neighbourOf(objects, key), 'the base']) {
    const copied = other === 'the base' ? [...objects.keys()].find((each) => each.endsWith('/base')) : other
    if (copied !== undefined && copied !== key) damages.push({ name: `a copy of ${copied}`, body: objects.get(copied) })
  }
  return damages
}

/** Another object of the same kind, if there is one. */
function neighbourOf(objects: ReadonlyMap<string, unknown>, key: string): string | undefined {
  const folder = key.slice(0, key.lastIndexOf('/') + 1)
  return [...objects.keys()].find((other) => other !== key && other.startsWith(folder) && other.length === key.length)
}

export function flipped(body: Uint8Array, bit: number): Uint8Array {
  return body.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
}
