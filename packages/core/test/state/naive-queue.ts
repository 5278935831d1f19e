/**
 * A queue as one would write it in an afternoon: an array of messages, each looked at every time. Slow, obvious, and with no
 * runs, heaps or shared batches: what the real state machine is compared with.
 */
export interface NaiveMessage {
  readonly id: string
  readonly priority: number
  readonly maxAttempts: number
  readonly named: string | undefined
  /** Before the others of its priority, once its time has come. */
  readonly lifo: boolean
  status: 'waiting' | 'delayed' | 'active' | 'completed' | 'dead' | 'gone'
  visibleAt: number
  attempts: number
  token: number
  /** Lower goes first among messages of one priority. */
  turn: number
  /** In which order they began to wait, or died. */
  since: number
  /** What was enqueued together and is untouched. */
  group: number
  /** An operator wants it back from its worker. */
  releasing: boolean
  /** When it was completed or died, ms since 1970. */
  endedAt: number
}

/** How long what has ended is remembered, and an id kept afterwards. */
export interface NaiveTimes {
  readonly completedAgeMs: number
  readonly deadAgeMs: number
  readonly windowMs: number
}

export class NaiveQueue {
  readonly messages: NaiveMessage[] = []
  now = 0
  paused = false
  #token = 0
  #first = 0
  #last = 0
  #since = 0
  readonly #keys = new Map<string, { id: string; until: number }>()
  readonly #idsUntil = new Map<string, number>()
  /** The completed messages of which something is known, by their ids. */
  readonly #remembered = new Map<string, NaiveMessage>()
  readonly #times: NaiveTimes

  constructor(times: NaiveTimes) {
    this.#times = times
  }

  time(at: number): void {
    if (at <= this.now) return
    this.now = at
    for (const message of this.messages) if (this.#isOver(message, at)) this.forget(message, this.#times.windowMs)
    const due = this.messages.filter(({ status, visibleAt }) => status === 'delayed' && visibleAt <= at)
    for (const message of due.sort((a, b) => a.visibleAt - b.visibleAt || a.since - b.since)) {
      message.status = 'waiting'
      message.turn = message.lifo ? --this.#first : ++this.#last
    }
  }

  /** Returns the id it is a duplicate of, if it is one. */
  enqueue(
    id: string,
    options: {
      priority: number
      maxAttempts: number
      visibleAt: number
      lifo: boolean
      named?: string | undefined
      key?: string | undefined
      onDead?: 'replace' | undefined
      windowMs: number
      /** The same for all messages of one call. */
      group: number
    },
  ): string | undefined {
    const { named, key, windowMs, priority, maxAttempts, visibleAt, lifo, group, onDead } = options
    const holders: string[] = []
    if (named !== undefined) {
      const alive = this.messages.some(
        (m) => m.named === named && ['waiting', 'delayed', 'active', 'dead'].includes(m.status),
      )
      if (alive || (this.#idsUntil.get(named) ?? 0) > this.now) holders.push(named)
    }
    const known = key === undefined ? undefined : this.#keys.get(key)
    if (known !== undefined && known.until > this.now) holders.push(known.id)
    const dead = holders.map((holder) => this.messages.find((m) => m.id === holder && m.status === 'dead'))
    if (onDead !== 'replace' || dead.includes(undefined)) {
      if (holders.length > 0) return holders[0]
    } else for (const one of dead) if (one?.status === 'dead') this.forget(one, windowMs)
    const message: NaiveMessage = {
      ...{ id: named ?? id, named, priority, maxAttempts, visibleAt, lifo },
      ...{ attempts: 0, token: 0, turn: 0, since: 0, group: 0, releasing: false, endedAt: 0 },
      status: 'waiting',
    }
    this.messages.push(message)
    if (named !== undefined) this.#remembered.delete(named)
    if (key !== undefined) this.#keys.set(key, { id: message.id, until: this.now + windowMs })
    this.#wait(message, visibleAt, lifo ? 'front' : 'back')
    message.group = group
    return undefined
  }

  claim(limit: number): number[] {
    if (this.paused) return []
    const turns = this.messages
      .filter(({ status }) => status === 'waiting')
      .sort((a, b) => b.priority - a.priority || a.turn - b.turn)
    return turns.slice(0, limit).map((message) => {
      message.status = 'active'
      message.attempts++
      message.token = ++this.#token
      message.releasing = false
      return message.token
    })
  }

  /** The next token is `first`, which is higher than all before. */
  raiseTokens(first: number): void {
    if (first <= this.#token + 1) throw new Error(`Tokens are lowered to ${first} after ${this.#token}.`)
    this.#token = first - 1
  }

  by(token: number): NaiveMessage | undefined {
    return this.messages.find((message) => message.status === 'active' && message.token === token)
  }

  end(message: NaiveMessage, status: 'completed' | 'gone', windowMs: number): void {
    message.status = status
    message.endedAt = this.now
    if (status === 'completed') this.#remembered.set(message.id, message)
    if (message.named !== undefined) this.#idsUntil.set(message.named, this.now + windowMs)
  }

  /** What is behind a delayed message of the same call begins to wait anew. */
  withdraw(message: NaiveMessage, windowMs: number): void {
    const together = this.messages.filter(({ status, group }) => status === 'delayed' && group === message.group)
    const at = together.indexOf(message)
    const group = -this.#since - 1
    for (const behind of at < 0 ? [] : together.slice(at + 1)) Object.assign(behind, { since: ++this.#since, group })
    this.end(message, 'gone', windowMs)
  }

  fail(message: NaiveMessage, retriable: boolean, delayMs: number): void {
    if (!retriable || message.attempts >= message.maxAttempts) this.#die(message)
    else this.#wait(message, this.now + delayMs, 'back')
  }

  expire(message: NaiveMessage): void {
    if (message.releasing) this.release(message, true)
    else if (message.attempts >= message.maxAttempts) this.#die(message)
    else this.#wait(message, 0, 'front')
  }

  /** `isStarted`: a handler had it. An operator's release counts the attempt, but for the last one; nothing else that gives a message back does. */
  release(message: NaiveMessage, isStarted: boolean): void {
    if (!isStarted || !message.releasing || message.attempts >= message.maxAttempts) message.attempts--
    this.#wait(message, 0, 'front')
  }

  snooze(message: NaiveMessage, ms: number): void {
    message.attempts--
    this.#wait(message, this.now + ms, 'back')
  }

  redrive(message: NaiveMessage): void {
    message.attempts = 0
    this.#wait(message, 0, 'back')
  }

  /** Takes a dead letter, or what is known of a completed message, out of memory. False if it is neither. */
  forget(message: NaiveMessage, windowMs: number): boolean {
    if (message.status === 'dead') this.end(message, 'gone', windowMs)
    else return this.#remembered.delete(message.id)
    return true
  }

  /** What is shown of a message at `now`, while the queue's clock may be behind; undefined if nothing is. */
  statusAt(message: NaiveMessage, now: number): NaiveMessage['status'] | undefined {
    const { status, id, visibleAt } = message
    if (status === 'gone' || this.#isOver(message, now)) return undefined
    if (status === 'completed') return this.#remembered.get(id) === message ? status : undefined
    return status === 'delayed' && visibleAt <= now ? 'waiting' : status
  }

  #isOver(message: NaiveMessage, now: number): boolean {
    const { status, endedAt, id } = message
    if (status === 'dead') return now - endedAt > this.#times.deadAgeMs
    // A later message with the same id has an age of its own.
    return this.#remembered.get(id) === message && now - endedAt > this.#times.completedAgeMs
  }

  count(status: NaiveMessage['status']): number {
    return this.messages.filter((message) => message.status === status).length
  }

  #die(message: NaiveMessage): void {
    message.status = 'dead'
    message.endedAt = this.now
    message.since = ++this.#since
  }

  #wait(message: NaiveMessage, visibleAt: number, place: 'front' | 'back'): void {
    message.visibleAt = visibleAt
    message.since = ++this.#since
    message.group = -message.since
    message.token = 0
    if (visibleAt > this.now) message.status = 'delayed'
    else {
      message.status = 'waiting'
      message.turn = place === 'front' ? --this.#first : ++this.#last
    }
  }
}
