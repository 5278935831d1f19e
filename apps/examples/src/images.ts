/** Real image files, resized by sharp; the handler writes what it made beside the records, and into its own record. */
import { S3QueuePlugin } from '@s3queue/plugin'
import sharp from 'sharp'
import { type Example, queued, recordsOf, whenEnded } from './example.ts'

interface Image {
  /** The file, in Base64. */
  original: string
  sizes?: { name: string; width: number; height: number; bytes: number }[]
}

const SIZES = [
  { name: 'thumbnail', width: 150, height: 150 },
  { name: 'medium', width: 800, height: 600 },
]

export const images: Example<{ made: { name: string; format: string; width: number; height: number }[] }> = async (
  db,
  say,
) => {
  const resource = await db.createResource({
    name: 'images',
    behavior: 'body-overflow',
    attributes: { id: 'string|required', original: 'string|required', sizes: 'json|optional' },
  })
  const files = await db.createResource({
    name: 'files',
    behavior: 'body-overflow',
    attributes: { id: 'string|required', content: 'string|required' },
  })

  const queue = new S3QueuePlugin<Image>({
    resource: 'images',
    concurrency: 2, // sharp uses all cores by itself
    visibilityTimeout: '2m',
    maxAttempts: 2,
    onMessage: async ({ id, original }) => {
      const source = Buffer.from(original, 'base64')
      const made = await Promise.all(
        SIZES.map(async ({ name, width, height }) => {
          const resized = await sharp(source).resize(width, height, { fit: 'cover' }).jpeg().toBuffer()
          // The same key in every attempt: a second run writes the same file again.
          await files.upsert({ id: `${id}-${name}`, content: resized.toString('base64') })
          return { name, width, height, bytes: resized.length }
        }),
      )
      await resource.update(id, { sizes: made })
      return made
    },
    onComplete: ({ id }, made) => say(`${id}: ${JSON.stringify(made)}`),
  })
  await db.usePlugin(queue)

  const colours = ['#c33', '#3c3', '#33c']
  const ended = whenEnded(queue, colours.length)
  for (const background of colours) {
    const photo = await sharp({ create: { width: 1200, height: 900, channels: 3, background } })
      .png()
      .toBuffer()
    await queued<Image>(db, 'images').enqueue({ original: photo.toString('base64') })
  }
  await ended
  await queue.stop()
  const made = await Promise.all(
    (await recordsOf<{ id: string; content: string }>(db, 'files')).map(async ({ id, content }) => {
      const { format, width, height } = await sharp(Buffer.from(content, 'base64')).metadata()
      return { name: id.split('-').at(-1) ?? '', format, width, height }
    }),
  )
  return { made }
}
