// What a test and its agent in a namespace say to each other: JSON, a line a message.
// Types only.

export interface Served {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** Every address of the family when left out; datagrams are answered from the address only where one is said. */
  readonly address: string;
}

export interface ProbeOrder {
  readonly protocol: 'TCP' | 'UDP';
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** Milliseconds until silence is believed. */
  readonly patience: number;
}

export type ProbeResult = (
  | { readonly kind: 'answered'; readonly by: string; readonly seenAs: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'silent'; readonly why: string }
) & { readonly ms: number };

/** What came of a row of probes made one after the other in several lanes. */
export interface StreamReport {
  readonly made: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly ProbeResult[];
}

export type Order =
  | { readonly do: 'serve'; readonly served: readonly Served[] }
  | { readonly do: 'probe'; readonly probes: readonly ProbeOrder[] }
  /** A connection or flow that stays; every `say` sends a line and waits for the answer to it. */
  | { readonly do: 'open'; readonly name: string; readonly probe: ProbeOrder }
  | { readonly do: 'say'; readonly name: string; readonly patience: number }
  | { readonly do: 'shut'; readonly name: string }
  | {
      readonly do: 'stream';
      readonly name: string;
      readonly probe: ProbeOrder;
      readonly lanes: number;
      readonly pause: number;
    }
  | { readonly do: 'streamed'; readonly name: string }
  | { readonly do: 'halt'; readonly name: string };

export interface Answers {
  serve: true;
  probe: readonly ProbeResult[];
  open: ProbeResult;
  say: ProbeResult;
  shut: true;
  stream: true;
  /** How many were made so far, and how many of them had no answer. */
  streamed: { readonly made: number; readonly failed: number };
  halt: StreamReport;
}
