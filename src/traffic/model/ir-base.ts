// Words that every part of the traffic model uses.
// Types only.

/** An IP address as text, IPv4 or IPv6. */
export type Address = string;

/** Text that shows as `[redacted]` in logs, dumps and JSON; structured clone keeps `value`. */
export interface PrivateText {
  readonly value: string;
  readonly private: true;
}
