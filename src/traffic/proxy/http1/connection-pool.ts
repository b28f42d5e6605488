// Keep-alive connections to one endpoint, newest first, and who of them may be trusted with which request.
// Knows nothing of requests beyond "may it be sent twice".

import { EndpointPool } from '../upstream/endpoint-pool.ts';
import { Http1Upstream } from './upstream.ts';

export class Http1Pool extends EndpointPool {
  readonly #idle: Http1Upstream[] = [];

  take(repeatable: boolean, fresh: boolean, now: number): Http1Upstream {
    if (!fresh) {
      const idle = this.#idle;
      while (idle.length > 0) {
        const connection = idle[idle.length - 1] as Http1Upstream;
        const age = now - connection.idleSince;
        if (connection.closed || age > this.#idleLimit(connection)) {
          idle.pop();
          connection.destroy();
        } else if (!repeatable && age > this.settings.unsafeIdle) {
          // Newest first: every other one has idled longer.
          break;
        } else {
          idle.pop();
          return connection;
        }
      }
    }
    return new Http1Upstream(this);
  }

  reuses(repeatable: boolean, fresh: boolean, now: number): boolean {
    const newest = this.#idle.at(-1);
    if (fresh || newest === undefined || newest.closed) return false;
    const age = now - newest.idleSince;
    return age <= this.#idleLimit(newest) && (repeatable || age <= this.settings.unsafeIdle);
  }

  evictIdle(): boolean {
    const oldest = this.#idle.shift();
    oldest?.destroy();
    return oldest !== undefined;
  }

  put(connection: Http1Upstream, now: number): void {
    connection.reused = true;
    connection.idleSince = now;
    if (this.retired || this.#idle.length >= this.settings.maxIdle) connection.destroy();
    else this.#idle.push(connection);
    this.transport.guard?.wake();
  }

  forget(connection: Http1Upstream): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** The oldest stand at the front. */
  sweep(now: number): void {
    const expired = this.#idle.filter((connection) => now - connection.idleSince > this.#idleLimit(connection));
    for (const connection of expired) connection.destroy();
  }

  renew(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** A backend that names its own time-out is left at least half of it, or a second, before that. */
  #idleLimit(connection: Http1Upstream): number {
    const seconds = connection.head.keepAliveSeconds;
    return seconds === 0 ? this.settings.idleTimeout : Math.max(seconds * 1000 - 1000, seconds * 500);
  }
}
