// What a speaker counts, and how it prints.
// One thread, one memory; knows names of peers and words of the protocol only.
import { exposition } from '#telemetry/exposition.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import type { MetricDefinition, Series } from '#telemetry/series.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({ name: `evenkeel_bgp_${name}`, help, type, labels, maxSeries: 500 });

const definitions = {
  up: metric('session_up', 'gauge', ['peer'], 'Whether the session with the peer is established: 1 or 0.'),
  sessions: metric('sessions_total', 'counter', ['peer'], 'Sessions that were established.'),
  prefixes: metric('announced_prefixes', 'gauge', ['peer'], 'Prefixes that the peer knows from us.'),
  messages: metric(
    'messages_total',
    'counter',
    ['peer', 'direction', 'type'],
    'Messages sent and received that carry routes or ask for them.',
  ),
  notifications: metric('notifications_total', 'counter', ['peer', 'direction'], 'Sessions ended by a NOTIFICATION.'),
  bfdUp: metric('bfd_session_up', 'gauge', ['peer'], 'Whether BFD says that the peer can be reached: 1 or 0.'),
  bfdDowns: metric('bfd_downs_total', 'counter', ['peer'], 'Times that BFD has lost the peer.'),
} as const satisfies Record<string, MetricDefinition>;

export class SpeakerMetrics {
  readonly #memory = new SharedArrayBuffer(8 * 16_384);
  #series: Series[] = [];
  readonly #writer = new MetricWriter(this.#memory, (series) => {
    if (series.ended === true) this.#series = this.#series.filter((other) => other.cell !== series.cell);
    else this.#series.push(series);
  });

  state(peer: string, up: boolean): void {
    this.#set(definitions.up, up ? 1 : 0, peer);
  }

  established(peer: string): void {
    this.#count(definitions.sessions, peer);
  }

  told(peer: string, prefixes: number): void {
    this.#set(definitions.prefixes, prefixes, peer);
  }

  sent(peer: string, type: 'update'): void {
    this.#count(definitions.messages, peer, 'sent', type);
  }

  received(peer: string, type: 'update' | 'route_refresh'): void {
    this.#count(definitions.messages, peer, 'received', type);
  }

  notification(peer: string, direction: 'sent' | 'received'): void {
    this.#count(definitions.notifications, peer, direction);
  }

  bfd(peer: string, up: boolean): void {
    this.#set(definitions.bfdUp, up ? 1 : 0, peer);
  }

  bfdDown(peer: string): void {
    this.#count(definitions.bfdDowns, peer);
  }

  /** The peer is none any more. */
  forget(peer: string): void {
    for (const definition of Object.values(definitions)) this.#writer.release(definition, ([name]) => name === peer);
  }

  /** Ends with a line break. */
  text(format?: MetricFormat): string {
    return exposition(
      Object.values(definitions),
      [{ memory: this.#memory, series: this.#series, ended: false }],
      format,
    );
  }

  #set(definition: MetricDefinition, value: number, ...labels: string[]): void {
    this.#writer.set(this.#writer.cell(definition, labels), value);
  }

  #count(definition: MetricDefinition, ...labels: string[]): void {
    this.#writer.add(this.#writer.cell(definition, labels), 1);
  }
}
