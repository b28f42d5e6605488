// The configuration in force: what a changed file changes is published as one update, and a wrong file changes nothing.
// Knows the engine as a sink of updates; prints nothing.
import { isDeepStrictEqual } from 'node:util';
import { diffTraffic } from '#traffic/model/diff.ts';
import type { TrafficModel, TrafficSink } from '#traffic/model/ir.ts';
import type { ManifestProblem } from '../manifests/document.ts';
import { type GatewayConfig, SETTINGS } from './config.ts';
import type { ConfigFile, ConfigRead } from './config-file.ts';
import { portProblems } from './free-ports.ts';

export type Reload =
  /** The files say what they said before. */
  | { readonly type: 'same' }
  /** `changes` counts what is new, different or gone, a part each; empty when the model is the same. */
  | { readonly type: 'applied'; readonly changes: Readonly<Record<string, number>> }
  /** What was in force stays. */
  | { readonly type: 'refused'; readonly problems: readonly ManifestProblem[] };

const NOTHING: TrafficModel = {
  listeners: new Map(),
  certificates: new Map(),
  virtualHosts: new Map(),
  clusters: new Map(),
  endpoints: new Map(),
  services: new Map(),
  clients: new Map(),
};

export class LiveConfig {
  readonly #file: ConfigFile;
  readonly #sink: TrafficSink;
  #model = NOTHING;
  #config: GatewayConfig | undefined;
  #version = 0;
  #fingerprint = '';
  #files: readonly string[] = [];
  #lastOk = true;
  /** Valid, and told to want ports that others have. */
  #waiting: GatewayConfig | undefined;

  constructor(file: ConfigFile, sink: TrafficSink) {
    this.#file = file;
    this.#sink = sink;
  }

  /** Files to watch: what the last read named, right or wrong. */
  get files(): readonly string[] {
    return this.#files;
  }

  get config(): GatewayConfig | undefined {
    return this.#config;
  }

  get version(): number {
    return this.#version;
  }

  /** The last read was applied. */
  get lastOk(): boolean {
    return this.#lastOk;
  }

  /** `again`: even when the files say what they said before, as people expect of SIGHUP. */
  async load(first?: ConfigRead, again = false): Promise<Reload> {
    // Something else in the directory changed: no reason to parse anything.
    if (!again && this.#fingerprint !== '' && this.#file.fingerprint(this.#files) === this.#fingerprint) {
      return this.#waiting === undefined ? { type: 'same' } : await this.#applyWhenFree(this.#waiting);
    }
    const read = first ?? this.#file.read();
    this.#files = read.files;
    this.#fingerprint = read.fingerprint;
    this.#waiting = undefined;
    this.#lastOk = false;
    const { outcome } = read;
    return 'problems' in outcome ? { type: 'refused', problems: outcome.problems } : await this.#apply(outcome.config);
  }

  /** Says nothing while they are taken, which was told: whoever writes a log beside the file would hear it forever. */
  async #applyWhenFree(config: GatewayConfig): Promise<Reload> {
    const outcome = await this.#apply(config);
    return outcome.type === 'refused' ? { type: 'same' } : outcome;
  }

  async #apply(config: GatewayConfig): Promise<Reload> {
    const { model, locate } = config;
    const before = this.#config;
    const changed = before && SETTINGS.find((name) => !isDeepStrictEqual(config[name], before[name]));
    if (changed !== undefined) {
      const message = `"${changed}" is read when the gateway starts, and this is not what is in force`;
      const remedy = 'Start it again, or put back what was there';
      return { type: 'refused', problems: [{ position: locate(changed), field: changed, message, remedy }] };
    }
    const taken = await portProblems(model.listeners, this.#model.listeners, locate);
    if (taken.length > 0) {
      // Asked for again next time: they may be free by then, though the file says the same.
      this.#waiting = config;
      return { type: 'refused', problems: taken };
    }
    this.#waiting = undefined;
    const changes = diffTraffic(this.#model, model);
    this.#model = model;
    this.#config = config;
    this.#lastOk = true;
    if (changes === undefined) return { type: 'applied', changes: {} };
    this.#sink.publish({ version: ++this.#version, ...changes });
    return {
      type: 'applied',
      changes: Object.fromEntries(Object.entries(changes).map(([part, table]) => [part, table.size])),
    };
  }
}
