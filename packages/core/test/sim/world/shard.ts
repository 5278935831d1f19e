/** What truly happened in one log of the queue, and who watches the handlers of its messages. */
import { HandlerWatch } from '../checks/handler-watch.ts'
import { History } from '../truth/history.ts'
import { InboxRecord } from '../truth/inbox.ts'

export class Shard {
  readonly index: number
  readonly history: History = new History()
  readonly inbox: InboxRecord = new InboxRecord()
  readonly handlers: HandlerWatch

  constructor(index: number) {
    this.index = index
    this.handlers = new HandlerWatch(this.history.model)
  }
}
