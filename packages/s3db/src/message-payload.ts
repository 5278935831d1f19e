/** What a message carries. The record itself stays where it is: the message's id is the record's. */
export interface MessagePayload {
  /** What the producer wants the handler to know beside the record. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}
