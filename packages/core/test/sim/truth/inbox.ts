/** What was ever put into the inbox, and when it left: a command is durable from there on, though nobody has folded it yet. */
import { decodeInbox } from '../../../src/engine/inbox-codec.ts'
import type { Command } from '../../../src/state/commands.ts'
import { must } from '../world/violation.ts'
import type { Model } from './model.ts'

export interface InboxObject {
  readonly key: string
  readonly commands: readonly Command[]
  readonly storedAt: number
}

export class InboxRecord {
  /** By key: what lies there now. */
  readonly present: Map<string, InboxObject> = new Map()
  /** Ids of all messages that ever lay in it. */
  readonly ids: Set<string> = new Set()

  stored(key: string, bytes: Uint8Array, storedAt: number): InboxObject {
    const found = decodeInbox(bytes)
    must(typeof found !== 'string', `an inbox object is written with broken bytes: ${String(found)}`)
    const { batch } = found
    const object = { key, commands: batch.entries, storedAt }
    this.present.set(key, object)
    for (const command of batch.entries) {
      if (command.type !== 'enqueue') continue
      const { sender, seq, count, extras } = command
      for (let i = 0; i < count; i++) this.ids.add(extras?.id ?? `${sender}-${(seq + i).toString(36)}`)
    }
    return object
  }

  /** An object goes only when all that it says is in the log. */
  deleted(key: string, model: Model): void {
    const object = this.present.get(key)
    this.present.delete(key)
    for (const command of object?.commands ?? []) {
      if (command.type === 'settle' || command.type === 'notice' || command.type === 'left') continue
      must(
        model.taken.has(`${command.sender}-${command.seq}`),
        `${key} is deleted from the inbox before command ${command.seq} of ${command.sender} is in the log`,
      )
    }
  }
}
