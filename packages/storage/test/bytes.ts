export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

/** The error that `attempt` rejects with. */
export async function rejection(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    (answer) => {
      throw new Error(`should have been rejected, but answered ${JSON.stringify(answer)}`)
    },
    (error: unknown) => error,
  )
}
