/** The promises that the plugin keeps, row by row: what a user does, and what we take where there are two readings. */

/** Where the tests run: as their titles say, after `on`. */
export const PLACES = ['memory', 'files', 'MinIO'] as const
export type Place = (typeof PLACES)[number]

export interface Row {
  readonly id: string
  readonly what: string
  readonly note?: string
  /** Comes with a later release; its options are refused by name. */
  readonly later?: true
  /** Shown in this place alone: on MinIO what needs several processes or a network, in memory what is the same everywhere. */
  readonly only?: Place
}

export interface Chapter {
  readonly title: string
  readonly rows: readonly Row[]
}

export const chapters: readonly Chapter[] = [
  {
    title: 'Installing',
    rows: [
      {
        id: 'C1',
        what: '`usePlugin` after `db.connect()`: the worker starts by itself',
        note: 'before `connect()`, and with `new Database({ plugins: [queue] })`: as soon as the database is connected and the resource exists',
      },
      { id: 'C2', what: 'several instances side by side, by alias or `namespace`' },
      { id: 'C3', what: '`queueResource`, `deadLetterResource`: names of your own' },
      { id: 'C4', what: 'a resource, or a bucket, that is not there; two plugins on one resource: a clear error' },
      { id: 'C5', what: 'two databases in one process' },
      { id: 'C6', what: 'the same code on every kind of connection' },
      { id: 'C7', what: '`db.disconnect()` stops the worker, and the process can end' },
    ],
  },
  {
    title: 'Resource methods',
    rows: [
      {
        id: 'C10',
        what: '`tasks.enqueue(data, options)`',
        note: 'a record that is there runs again when its message has ended',
      },
      {
        id: 'C11',
        what: '`tasks.queueStats()`, `countQueue()`, `truncateQueue()`, `deleteQueue()`, `estimateQueueUsage()`',
        note: '`failed` counts only with `failureStrategy: "retry"`',
      },
      { id: 'C12', what: '`tasks.startProcessing(handler, { concurrency })`, `stopProcessing()`' },
      {
        id: 'C13',
        what: '`tasks.extendQueueVisibility(queueId, extraMs)`',
        note: 'in the process whose worker has the message; elsewhere it is false, and the event `lock-renewal-rejected` says `held_elsewhere`',
      },
      { id: 'C14', what: '`tasks.clearQueueCache()`', note: 'there is no cache to clear' },
      { id: 'C15', what: '`db.resources.tasks_queue`: list, get, query, count, update, delete' },
      { id: 'C16', what: '`tasks_queue.update(id, { status: "pending", … })` releases a stuck message' },
      { id: 'C17', what: 'the dead letter resource; `enqueue(dl.data)` and `delete`; `redrive`' },
    ],
  },
  {
    title: 'Plugin methods',
    rows: [
      { id: 'C20', what: '`startProcessing(handler, options)`', note: 'a second call does nothing and says so' },
      { id: 'C21', what: '`stopProcessing()`' },
      { id: 'C22', what: '`stop()` and `drain()`' },
      { id: 'C23', what: '`processNext()`' },
      { id: 'C24', what: '`getStats()`' },
      { id: 'C25', what: '`unregisterWorker()`' },
      { id: 'C26', what: '`clearProcessedCache()`, `getStorage()`', note: '`list("locks")` shows valid claims' },
      { id: 'C27', what: '`isRunning`, `lastHeartbeat`, `coordinatorElected`, `isCoordinator`' },
    ],
  },
  {
    title: 'Options',
    rows: [
      { id: 'C30', what: '`onMessage`, `onError`, `onComplete`' },
      { id: 'C31', what: '`concurrency` (3), `workers`' },
      {
        id: 'C32',
        what: '`pollInterval` (100 ms), `maxPollInterval` (10 s)',
        note: 'about messages from other processes; the one that writes needs no looks',
      },
      { id: 'C33', what: '`pollBatchSize` (32)', note: 'how many are claimed ahead of the handlers' },
      {
        id: 'C34',
        what: '`visibilityTimeout` (30 s)',
        note: 'numbers are ms; under 1000 there is a warning; `"5m"` works',
      },
      {
        id: 'C35',
        what: '`recoveryInterval`, `recoveryBatchSize`',
        note: 'claims run out by themselves; these are about dead letters',
      },
      { id: 'C36', what: '`processedCacheTTL`', note: 'taken, without effect' },
      { id: 'C37', what: '`maxAttempts` (3), `maxRetries`', note: 'attempts in all' },
      { id: 'C38', what: '`deadLetterResource`, `failureStrategy`' },
      { id: 'C39', what: '`autoStart`, `verbose`, `namespace`' },
      { id: 'C40', what: 'backoff: 1 s, 2 s, 4 s, … up to 30 s; jitter; a function' },
      { id: 'C41', what: 'what is unknown or impossible is refused, with the nearest name' },
      {
        id: 'C50',
        what: '`enableCoordinator`, `coordinatorElectionInterval`, `coordinatorEpochDuration`',
        note: 'only the second has an effect',
      },
      { id: 'C51', what: '`heartbeatInterval`, `heartbeatTTL` (seconds)' },
      {
        id: 'C52',
        what: '`dispatchInterval`, `ticketBatchSize`, `ticketTTL` (seconds)',
        note: 'only the first has an effect',
      },
      {
        id: 'C53',
        what: 'every process with a worker gets messages',
        note: 'there is one way to claim, so nothing to fall back to',
      },
      { id: 'C54', what: '`coordinationBackend`: Redis, SQS', later: true },
      { id: 'C55', what: 'the registry of workers is one object' },
      {
        id: 'C56',
        what: '100 processes stay far below the rates of S3',
        only: 'MinIO',
        note: 'at rest here; under load: [scale](scale.md)',
      },
    ],
  },
  {
    title: 'Handlers and errors',
    rows: [
      {
        id: 'C60',
        what: 'the record is read when its turn comes; one that is deleted or cannot be read; an outage while it is read',
        note: 'an outage counts no attempt; s3db.js does not validate what it reads',
      },
      { id: 'C61', what: 'the context', note: '`attempt` equals `attempts`, from 1 on' },
      { id: 'C62', what: 'the result; `autoAcknowledge: false` with `ack()` and `nack()`' },
      { id: 'C63', what: 'an error: again after a wait, then a dead letter' },
      {
        id: 'C64',
        what: '`retriable: false`: a dead letter at once',
        note: 's3db.js makes every `PluginError` not retriable unless it says otherwise',
      },
      { id: 'C65', what: 'a handler updates its own record' },
      { id: 'C66', what: 'a handler enqueues elsewhere' },
      { id: 'C70', what: '`QueueError`', note: '`toJson()` and `toJSON()`' },
      { id: 'C71', what: 'action messages without resource or action: 400' },
      { id: 'C72', what: 'with an unknown resource: 404' },
      { id: 'C73', what: 'with an unsupported action: 400' },
      { id: 'C74', what: 'claimed by another worker: 423, retriable' },
    ],
  },
  {
    title: 'Events',
    rows: [
      { id: 'C80', what: '`message-enqueued`' },
      { id: 'C81', what: '`message-claimed`' },
      { id: 'C82', what: '`message-processing`' },
      { id: 'C83', what: '`message-recovered`' },
      { id: 'C84', what: '`message-completed`' },
      { id: 'C85', what: '`message-retry`' },
      { id: 'C86', what: '`message-dead`' },
      { id: 'C87', what: '`workers-started`, `workers-stopped`' },
      { id: 'C88', what: '`coordinator-promoted`, `coordinator-demoted`' },
      { id: 'C89', what: '`s3-throttled`' },
      { id: 'C90', what: '`metrics`' },
      { id: 'C91', what: 'on the database: `plg:queue:stats`, `plg:queue:error`, `plg:queue:message:complete`' },
    ],
  },
  {
    title: 'Behaviour',
    rows: [
      {
        id: 'C100',
        what: 'without crashes and overruns each message is handled once',
        note: 'with a crash: at least once, one recorded completion',
      },
      { id: 'C101', what: 'a worker that dies or hangs: its messages run again, at the end they are dead letters' },
      { id: 'C102', what: 'a late result is refused; `autoExtend`' },
      {
        id: 'C103',
        what: 'an idle queue backs off to 12 requests a minute, besides cheap reads of the bell',
        only: 'MinIO',
      },
      { id: 'C104', what: '`delay`, `at`, a `visibleAt` of the record' },
      { id: 'C105', what: '`priority`; `orderingMode`' },
      { id: 'C106', what: 'schedules', later: true },
      { id: 'C107', what: 'handlers of batches', later: true },
      { id: 'C108', what: 'a graceful stop, also on SIGTERM' },
      { id: 'C109', what: 'retention; the TTLPlugin of s3db.js' },
    ],
  },
  {
    title: 'Use cases',
    rows: [
      { id: 'C120', what: 'e-mails to a real SMTP server', only: 'memory' },
      { id: 'C121', what: 'image files resized', only: 'memory' },
      { id: 'C122', what: 'signed webhooks to a receiver that fails at times', only: 'memory' },
      { id: 'C123', what: 'orders in steps, undone when one cannot be', only: 'memory' },
      { id: 'C124', what: 'an export as CSV in the bucket, its link by mail', only: 'memory' },
      { id: 'C125', what: 'schedules across processes', later: true },
      { id: 'C126', what: 'a circuit breaker and a rate limiter', only: 'memory' },
      { id: 'C127', what: 'messages over four shards', only: 'memory' },
    ],
  },
]
