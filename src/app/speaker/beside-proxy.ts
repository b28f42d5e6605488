// A speaker beside the service proxy of a node: what it announces is served here, so it comes after and goes before.
// Knows both by their doors; a speaker that fails takes nothing with it.
import { messageOf } from '../failure.ts';
import { runSpeaker, type SpeakerDependencies } from './run.ts';
import { DEFAULT_HEARTBEAT_PORT, DEFAULT_SECRET, type SpeakerSettings } from './settings.ts';

const AGAIN_MS = 5_000;
/** A farewell takes some tens of milliseconds; an API server that is away would be waited for without end. */
const LEAVE_MS = 1_000;

/** As of a node of ours; `interfaces` are for layer 2, all that lead to a network around the node when empty. */
export function speakerOf(nodeName: string, interfaces: readonly string[], nodeLiveness: boolean): SpeakerSettings {
  return {
    nodeLiveness,
    nodeName,
    l2: true,
    bgp: true,
    interfaces,
    heartbeatPort: DEFAULT_HEARTBEAT_PORT,
    secret: DEFAULT_SECRET,
    defaultLoadBalancer: true,
    metrics: undefined,
  };
}

export class BesideProxy {
  readonly #deps: Omit<SpeakerDependencies, 'signal'>;
  readonly #settings: SpeakerSettings;
  readonly #leaving = new AbortController();
  #running: Promise<void> | undefined;

  constructor(settings: SpeakerSettings, deps: Omit<SpeakerDependencies, 'signal'>) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Services are served here; said again after each start of the proxy. */
  proxyReady(): void {
    if (!this.#leaving.signal.aborted) this.#running ??= this.#run();
  }

  /** Resolves when others have what was announced here. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    const { clock } = this.#deps;
    await Promise.race([this.#running, new Promise<void>((resolve) => clock.after(LEAVE_MS, resolve))]);
  }

  async #run(): Promise<void> {
    const { log, tell, clock } = this.#deps;
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      try {
        await runSpeaker(this.#settings, { ...this.#deps, signal });
      } catch (error) {
        log.error({ error }, 'The speaker has ended');
        tell(`Addresses are not announced from this node: ${messageOf(error)}; trying again in ${AGAIN_MS / 1000} s`);
        await new Promise<void>((resolve) => {
          const cancel = clock.after(AGAIN_MS, resolve);
          signal.addEventListener(
            'abort',
            () => {
              cancel();
              resolve();
            },
            { once: true },
          );
        });
      }
    }
  }
}
