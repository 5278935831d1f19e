/** Ms on the machine's monotonic clock. All processes of a machine share it, so their notes can be put in order. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
