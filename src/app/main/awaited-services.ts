// Services that requests wait for: from the engine, which holds them, to whoever can bring pods.
// Knows names only; that the figures are fresh by then is seen to here.
import { clusterParts } from '../measures/count-series.ts';

type Listener = (namespace: string, service: string) => void;

export class AwaitedServices {
  readonly #listeners: Listener[] = [];
  readonly #refresh: () => Promise<void>;

  /** `refresh` brings what is measured up to this moment. */
  constructor(refresh: () => Promise<void>) {
    this.#refresh = refresh;
  }

  readonly onAwaited = (listener: Listener): void => {
    this.#listeners.push(listener);
  };

  /** `cluster`: of the engine, `namespace/service/port`. */
  readonly held = (cluster: string): void => {
    const [namespace = '', service = ''] = clusterParts(cluster).service.split('/');
    void this.#refresh().then(() => {
      for (const listener of this.#listeners) listener(namespace, service);
    });
  };
}
