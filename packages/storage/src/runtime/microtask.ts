/** Runs `callback` in a microtask. Unlike `queueMicrotask`, a test with fake timers cannot stop it. */
export function inMicrotask(callback: () => void): void {
  void Promise.resolve().then(callback)
}
