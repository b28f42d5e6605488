// Layer 2 and the heartbeats of a speaker, as its main thread sees them: both live in a thread of their own.
// Starts the thread and speaks with it; knows no frame and no heartbeat.
import { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import type { Series } from '#telemetry/series.ts';
import type { L2Announcement } from '#traffic/model/announce/announcement.ts';
import { L2_METRIC_BYTES, l2MetricsText } from '../l2/metrics.ts';
import type { Liveness } from '../liveness/liveness.ts';
import { DEFAULT_TIMES } from '../liveness/members.ts';
import {
  type AnnouncerData,
  COUNTERS,
  type FromAnnouncer,
  type HeartbeatSettings,
  type ToAnnouncer,
} from './messages.ts';
import { RemoteLiveness } from './remote-liveness.ts';
import { BEAT_MS } from './watch.ts';

export interface AnnouncerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** This node stood still so long that others may have taken over; all is told anew already. */
  readonly onPause: (ms: number) => void;
  /** Another speaker is alive now, or no more. */
  readonly onChange: () => void;
  /** Nodes that are silent, and how many seem so, whenever that changes. */
  readonly onSilence?: (names: readonly string[], seeming: number) => void;
  /** The thread has failed: nothing is answered for any more, and others take over. */
  readonly onFailure: (error: Error) => void;
}

/** What answers for addresses by ARP and NDP. */
export interface Layer2 {
  /** Names of the interfaces that take part now. */
  readonly interfaces: readonly string[];
  /** Everything that this node answers for from now on. */
  hold(announcements: readonly L2Announcement[]): void;
  /** Tells of all addresses anew: somebody else may have been taken for their place meanwhile. */
  announceAll(): void;
  /** In Prometheus' text format. */
  metrics(format?: MetricFormat): string;
  /** Answers for nothing any more. */
  close(): void;
}

const YOUNG_GENERATION_MB = 2;

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #worker: Worker;
  readonly #metrics = new SharedArrayBuffer(L2_METRIC_BYTES);
  readonly #counters = new SharedArrayBuffer(8);
  readonly #series: Series[] = [];
  readonly #exited: Promise<void>;
  readonly #stopBeats: Cancel;
  readonly #opening = new Map<string, (failure: Error | undefined) => void>();
  #interfaces: readonly string[] = [];
  #liveness: RemoteLiveness | undefined;
  #left: () => void = () => {};
  #closing = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    const workerData: AnnouncerData = { metrics: this.#metrics, counters: this.#counters };
    const beats = new Int32Array(this.#counters);
    this.#stopBeats = options.clock.every(BEAT_MS, () => void Atomics.add(beats, COUNTERS.beats, 1));
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      name: 'announcer',
      workerData,
      // Sockets of the kernel's own kinds are opened past Node, which would warn of each that is closed.
      trackUnmanagedFds: false,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on('message', (message: FromAnnouncer) => this.#hear(message));
    let failure: Error | undefined;
    this.#worker.on('error', (error: Error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        resolve();
        if (this.#closing) return;
        const error = failure ?? new Error('The announcing thread has ended');
        for (const opened of this.#opening.values()) opened(error);
        options.onFailure(error);
      });
    });
  }

  /** Rejects when the kernel cannot be asked, or gives no packet sockets; the message says what helps. */
  async openLayer2(interfaces: readonly string[]): Promise<Layer2> {
    await this.#open('l2', { kind: 'open_l2', interfaces });
    const announcer = this;
    return {
      get interfaces() {
        return announcer.#interfaces;
      },
      hold: (announcements) => this.#tell({ kind: 'hold', announcements }),
      announceAll: () => this.#tell({ kind: 'announce_all' }),
      metrics: (format) => l2MetricsText(this.#metrics, this.#series, format),
      close: () => this.#tell({ kind: 'close_l2' }),
    };
  }

  /** Rejects with the system's code when the port cannot be had. Only once. */
  async openHeartbeats(settings: HeartbeatSettings): Promise<Liveness> {
    await this.#open('heartbeats', { kind: 'open_heartbeats', settings });
    const { clock, onChange } = this.#options;
    this.#liveness = new RemoteLiveness({
      name: settings.name,
      settleMs: (settings.times ?? DEFAULT_TIMES).deadMs,
      clock,
      onChange,
      refused: () => Atomics.load(new Int32Array(this.#counters), COUNTERS.refused),
      setPeers: (version, peers) => this.#tell({ kind: 'peers', version, peers }),
      leave: async () => {
        const left = new Promise<void>((resolve) => {
          this.#left = resolve;
        });
        this.#tell({ kind: 'leave' });
        // A thread that has ended is silent anyway.
        await Promise.race([left, this.#exited]);
      },
    });
    return this.#liveness;
  }

  /** Resolves when the thread has ended. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#tell({ kind: 'end' });
    await this.#exited;
    this.#stopBeats();
  }

  #open(of: 'heartbeats' | 'l2', message: ToAnnouncer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opening.set(of, (failure) => {
        this.#opening.delete(of);
        if (failure === undefined) resolve();
        else reject(failure);
      });
      this.#tell(message);
    });
  }

  #tell(message: ToAnnouncer): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromAnnouncer): void {
    switch (message.kind) {
      case 'opened': {
        const { of, failure } = message;
        const { message: words = '', code } = failure ?? {};
        this.#opening.get(of)?.(failure && Object.assign(new Error(words), code === undefined ? {} : { code }));
        break;
      }
      case 'interfaces':
        this.#interfaces = message.names;
        break;
      case 'alive':
        this.#liveness?.hear(message.version, message.names);
        break;
      case 'silent':
        this.#options.onSilence?.(message.names, message.seeming);
        break;
      case 'paused':
        this.#options.onPause(message.ms);
        break;
      case 'left':
        this.#left();
        break;
      case 'series':
        this.#series.push(message.series);
        break;
      case 'log': {
        const { level, part, fields, message: words } = message;
        this.#options.log.child({ part })[level](fields, words);
      }
    }
  }
}
