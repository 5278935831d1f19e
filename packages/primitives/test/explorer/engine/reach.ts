/** Which objects a request asks for, worked out once for each request. */
import type { Interner } from './interner.ts'
import type { Request } from './request.ts'

export class Reach {
  readonly #requests: Interner<Request>

  constructor(requests: Interner<Request>) {
    this.#requests = requests
  }

  touches(id: number, key: string): boolean {
    const request = this.#requests.valueOf(id)
    switch (request.kind) {
      case 'get':
      case 'put':
        return request.key === key
      case 'delete':
        return request.keys.includes(key)
      case 'list':
        return key.startsWith(request.prefix) && key > request.startAfter
      case 'choose':
        return false
    }
  }
}
