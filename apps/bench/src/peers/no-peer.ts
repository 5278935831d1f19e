/** A server of another queue cannot be started on this machine. Its rows are skipped, unless the run is for them. */
export class NoPeer extends Error {}
