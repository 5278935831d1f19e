export * from './clock/manual-clock.ts'
