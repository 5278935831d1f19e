/** Bytes arrive as bytes; what is large has an object of its own, so that commits stay small. */
import type { Scene } from '../scene.ts'

export const payloads: Scene = {
  title: 'Bytes, and a lot of them',
  async play({ queue, store, say, check }) {
    const icon = Uint8Array.of(0, 128, 255)
    const photo = new Uint8Array(400_000).map((_, n) => n * 7)
    await queue.enqueueMany([icon, photo])
    const apart = await store.list({ prefix: `s3queue/${queue.name}/0/payloads/` })
    say(`Two payloads of bytes: 3 and 400,000. Objects in the store for payloads alone: ${apart.entries.length}.`)

    const received: unknown[] = []
    const worker = queue.process(({ payload }) => {
      received.push(payload)
    })
    await queue.drain()
    await worker.stop()

    const [small, large] = received
    check('what is above offloadAboveBytes (256 KiB) is apart, the rest in the commit', apart.entries.length === 1)
    check('both arrive byte for byte', isSame(small, icon) && isSame(large, photo))
  },
}

function isSame(received: unknown, sent: Uint8Array): boolean {
  return received instanceof Uint8Array && Buffer.compare(received, sent) === 0
}
