// Tokens of the pods' service accounts: asked for once, renewed long before they end.
// Knows the API that issues them; which file a token lies in is not its matter.
import type { TokenRequest } from 'kubernetes-types/authentication/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';

/** What a volume says of the token it holds. */
export interface TokenWanted {
  /** Empty: the API server's own. */
  readonly audience: string;
  readonly expirationSeconds: number;
}

export interface TokenSource {
  /** Rejects when there is none to be had. */
  token(pod: Pod, wanted: TokenWanted): Promise<string>;
  /** The pod's volumes are gone. */
  forget(podUid: string): void;
}

interface Held {
  readonly token: string;
  /** Wall time, in milliseconds. */
  readonly renewAt: number;
  readonly endsAt: number;
  cancel: Cancel;
}

const DAY_MS = 24 * 3_600_000;
/** As upstream: the share of its life after which a token is replaced. */
const RENEWED_AFTER = 0.8;
const RETRY_MS = 60_000;

interface TokenDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** A token of this pod is due: its volumes have to be looked at. */
  readonly due: (podUid: string) => void;
}

export class PodTokens implements TokenSource {
  readonly #deps: TokenDependencies;
  readonly #held = new Map<string, Map<string, Held>>();

  constructor(deps: TokenDependencies) {
    this.#deps = deps;
  }

  async token(pod: Pod, wanted: TokenWanted): Promise<string> {
    const { clock, log } = this.#deps;
    const uid = pod.metadata?.uid ?? '';
    const key = `${wanted.expirationSeconds} ${wanted.audience}`;
    const held = this.#held.get(uid)?.get(key);
    if (held !== undefined && clock.wall() < held.renewAt) return held.token;
    try {
      return this.#hold(uid, key, await this.#request(pod, wanted));
    } catch (error) {
      if (held === undefined || clock.wall() >= held.endsAt) throw error;
      log.warn({ pod: pod.metadata?.name, error: (error as Error).message }, 'Cannot renew a service account token');
      held.cancel();
      held.cancel = clock.after(RETRY_MS, () => this.#deps.due(uid));
      return held.token;
    }
  }

  forget(podUid: string): void {
    for (const { cancel } of this.#held.get(podUid)?.values() ?? []) cancel();
    this.#held.delete(podUid);
  }

  /** Nobody is told of anything any more. */
  stop(): void {
    for (const uid of [...this.#held.keys()]) this.forget(uid);
  }

  async #request(pod: Pod, { audience, expirationSeconds }: TokenWanted): Promise<TokenRequest> {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { namespace, name: pod.spec?.serviceAccountName || 'default' },
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    return await this.#deps.client.create(builtin('ServiceAccount'), request, { subresource: 'token' });
  }

  #hold(uid: string, key: string, { status }: TokenRequest): string {
    const { clock, due } = this.#deps;
    const token = status?.token ?? '';
    const now = clock.wall();
    const endsAt = Date.parse(status?.expirationTimestamp ?? '');
    const renewAt = now + Math.min((endsAt - now) * RENEWED_AFTER, DAY_MS);
    const held = this.#held.get(uid) ?? new Map<string, Held>();
    this.#held.set(uid, held);
    held.get(key)?.cancel();
    held.set(key, { token, renewAt, endsAt, cancel: clock.after(renewAt - now, () => due(uid)) });
    return token;
  }
}
