// Labels of pods, watched from the moment in which somebody asks for them: most clusters never do.
// Knows no policy.
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import { jsonEqual } from '#lib/json.ts';
import type { PodLabels } from '#traffic/model/policy/subset.ts';

const TRIM = {
  name: 'labels',
  keep: ({ metadata }: KubeObject): KubeObject => ({
    metadata: {
      ...(metadata?.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(metadata?.name === undefined ? {} : { name: metadata.name }),
      ...(metadata?.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
      labels: metadata?.labels ?? {},
    },
  }),
};

export class WatchedPodLabels {
  readonly #informers: Informers;
  /** The namespace of pods whose labels are not what they were; undefined: all are known now. */
  readonly #onNews: (namespace: string | undefined) => void;
  #pods: Informer<KubeObject> | undefined;
  #known = false;
  #stop = (): void => {};

  constructor(informers: Informers, onNews: (namespace: string | undefined) => void) {
    this.#informers = informers;
    this.#onNews = onNews;
  }

  /** Undefined until they are known. */
  labels(): PodLabels | undefined {
    if (this.#pods === undefined) this.#watch();
    return this.#known ? (pod) => this.#pods?.get(pod)?.metadata?.labels : undefined;
  }

  stop(): void {
    this.#stop();
  }

  #watch(): void {
    const pods = this.#informers.of<KubeObject>(builtin('Pod'), {}, TRIM);
    this.#pods = pods;
    // Not within the translation that asks: what is there already is told of at once.
    queueMicrotask(() => {
      this.#stop = pods.onChange((_key, now, before) => {
        if (this.#known && !jsonEqual(now?.metadata?.labels, before?.metadata?.labels))
          this.#onNews((now ?? before)?.metadata?.namespace);
      });
      pods.synced().then(
        () => {
          this.#known = true;
          this.#onNews(undefined);
        },
        // The informers are stopped: nobody needs labels any more.
        () => {},
      );
    });
  }
}
