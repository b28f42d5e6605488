// What fronts of both protocols share: where they are, what their clients are told, and what the driver lends them.
// Decides by the rule model alone; knows no socket.
import { inAnyOf } from '#lib/ip.ts';
import type { SourceClass } from '#traffic/snapshot/rules/node-facts.ts';
import type { PortChooser } from '#traffic/snapshot/rules/port-chooser.ts';
import { type Front, type Outcome, outcomeOf } from '#traffic/snapshot/rules/rule-model.ts';
import type { DriverSockets, Place } from './sockets.ts';
import type { Instruction } from './source-filter.ts';
import type { Unreachable } from './unreachable.ts';

export interface FrontContext {
  readonly sockets: DriverSockets;
  readonly unreachable: Unreachable;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly classOf: (address: string) => SourceClass;
  /** UDP sessions, each a socket, of all fronts. */
  readonly sessions: { count: number; readonly most: number };
}

/** What a front does for its clients now. */
export interface FrontDuty {
  readonly front: Front;
  readonly chooser: PortChooser;
  /** Sources that the kernel drops for it. */
  readonly filter: readonly Instruction[] | undefined;
}

/** An address and port with a socket of ours. */
export interface OpenFront {
  /** Clients that are being served. */
  readonly flows: number;
  open(place: Place): Promise<void>;
  change(duty: FrontDuty): void;
  /** What has been silent for too long ends. */
  sweep(now: number): void;
  /** Ends the connections of TCP to these endpoints, `address port`. */
  cut(endpoints: ReadonlySet<string>): void;
  /** Takes nobody any more. Connections go on, and `onIdle` is called once the last one has ended. */
  close(onIdle: () => void): void;
  /** Ends everything at once. */
  destroy(): void;
}

/** What becomes of a client. The address is in its one spelling. */
export function decide({ front, chooser }: FrontDuty, client: string, { classOf }: FrontContext): Outcome {
  const { allowedSources } = front;
  if (allowedSources !== undefined && !inAnyOf(allowedSources)(client)) return { type: 'drop' };
  // What the node sends itself without a source of its own has the very address it sends to.
  const source = client === front.address ? 'node' : classOf(client);
  return outcomeOf(chooser.rules, front, source);
}

/** With nobody to be served and nobody to be dropped, the kernel refuses by itself where no socket is. */
export function needsSocket({ front, chooser }: Pick<FrontDuty, 'front' | 'chooser'>): boolean {
  if (front.kind === 'external_ip' || front.kind === 'load_balancer' || front.allowedSources !== undefined) return true;
  return (['pod', 'node', 'other'] as const).some(
    (source) => outcomeOf(chooser.rules, front, source).type !== 'reject',
  );
}
