/** The resource of the rows; and what needs no test runner. */
export interface Task {
  type: string
  data?: unknown
  [field: string]: unknown
}

export const TASKS = {
  name: 'tasks',
  attributes: {
    id: 'string|required',
    type: 'string|required',
    data: 'json|optional',
    visibleAt: 'number|optional',
    n: 'number|optional',
  },
} as const

/** A promise and what resolves it. */
export function gate<T = void>(): { readonly passed: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => {}
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open }
}
