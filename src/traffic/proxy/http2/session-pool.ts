// The HTTP/2 sessions to one endpoint: requests share one as long as the backend takes more streams.
// Knows nothing of requests.

import { EndpointPool } from '../upstream/endpoint-pool.ts';
import { ClientSession } from './client-session.ts';
import { Http2Upstream } from './client-stream.ts';

export class Http2Pool extends EndpointPool {
  /** Oldest first: the newer ones empty, and close, when there is less to do. */
  readonly #sessions: ClientSession[] = [];

  take(_repeatable: boolean, _fresh: boolean, now: number): Http2Upstream {
    let session = this.#free();
    if (session === undefined) {
      session = new ClientSession(this, now);
      this.#sessions.push(session);
    }
    return new Http2Upstream(session);
  }

  reuses(): boolean {
    return this.#free() !== undefined;
  }

  evictIdle(): boolean {
    const idle = this.#sessions.find((session) => session.busy === 0);
    idle?.leave();
    return idle !== undefined;
  }

  forget(session: ClientSession): void {
    const at = this.#sessions.indexOf(session);
    if (at >= 0) this.#sessions.splice(at, 1);
  }

  sweep(now: number): void {
    for (const session of [...this.#sessions]) {
      session.onTick(now);
      if (session.busy === 0 && now - session.idleSince > this.settings.sessionIdle) session.leave();
    }
  }

  renew(): void {
    for (const session of [...this.#sessions]) session.leave();
  }

  #free(): ClientSession | undefined {
    for (const session of this.#sessions) if (session.hasRoom) return session;
    return undefined;
  }
}
