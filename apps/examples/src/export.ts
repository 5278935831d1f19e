/** An export: records are queried, written into the bucket as CSV, and the link goes out through the queue for e-mails. */
import { S3QueuePlugin } from '@s3queue/plugin'
import { stringify } from 'csv-stringify/sync'
import { createTransport } from 'nodemailer'
import { type Example, queued, whenEnded } from './example.ts'
import { startMailServer } from './mail-server.ts'

interface ExportJob {
  country: string
  to: string
  file?: string
}

interface LinkMail {
  to: string
  link: string
}

export const exports_: Example<{ csv: string; mail: string }> = async (db, say) => {
  const server = await startMailServer()
  const mailer = createTransport({ host: '127.0.0.1', port: server.port, ignoreTLS: true })
  const people = await db.createResource({
    name: 'people',
    attributes: { id: 'string|required', name: 'string|required', country: 'string|required' },
    partitions: { byCountry: { fields: { country: 'string' } } },
  })
  const files = await db.createResource({
    name: 'export_files',
    behavior: 'body-overflow',
    attributes: { id: 'string|required', csv: 'string|required' },
  })
  const jobs = await db.createResource({
    name: 'exports',
    attributes: { id: 'string|required', country: 'string|required', to: 'string|required', file: 'string|optional' },
  })
  await db.createResource({
    name: 'link_mails',
    attributes: { id: 'string|required', to: 'string|required', link: 'string|required' },
  })
  await people.insert({ id: '1', name: 'Ada', country: 'uk' })
  await people.insert({ id: '2', name: 'Konrad', country: 'de' })
  await people.insert({ id: '3', name: 'Alan "the machine"', country: 'uk' })

  const mailQueue = new S3QueuePlugin<LinkMail>({
    resource: 'link_mails',
    onMessage: async ({ to, link }) => {
      await mailer.sendMail({ from: 'exports@example.org', to, subject: 'Your export is ready', text: link })
    },
  })
  const exportQueue = new S3QueuePlugin<ExportJob>({
    resource: 'exports',
    concurrency: 2,
    visibilityTimeout: '10m',
    maxAttempts: 1, // the user can ask again
    onMessage: async ({ id, country, to }) => {
      const rows = await people.list({ partition: 'byCountry', partitionValues: { country } })
      const inOrder = rows
        .map(({ id: number, name }) => ({ number, name }))
        .toSorted((a, b) => (a.number < b.number ? -1 : 1))
      await files.upsert({ id: `${id}.csv`, csv: stringify(inOrder, { header: true }) })
      await queued<LinkMail>(db, 'link_mails').enqueue({ to, link: `https://example.org/exports/${id}.csv` })
      return { file: `${id}.csv`, rows: rows.length }
    },
    onComplete: async ({ id }, result) => {
      const { file, rows } = result as { file: string; rows: number }
      say(`${file}: ${rows} rows`)
      await jobs.update(id, { file })
    },
  })
  await db.usePlugin(mailQueue, 'links')
  await db.usePlugin(exportQueue, 'exports')

  const ended = whenEnded(mailQueue, 1)
  await queued<ExportJob>(db, 'exports').enqueue({ id: 'uk-people', country: 'uk', to: 'boss@example.org' })
  await ended
  await exportQueue.stop()
  await mailQueue.stop()
  await server.close()
  const { csv } = await files.get('uk-people.csv')
  return { csv: String(csv), mail: server.mails[0]?.source ?? '' }
}
