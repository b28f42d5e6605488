// Brings the addresses of Gateways to this machine, so that they can be listened at, and lets go of those that are given back.
// Knows no Gateway; how an address is brought is the host's matter.
import type { Logger } from '#lib/log.ts';

export interface AddressHost {
  /** Addresses of Services within the cluster can be listened at here as well. */
  readonly hasServiceAddresses?: boolean;
  /** Afterwards the address can be bound. Rejects when that cannot be. */
  claim(address: string): Promise<void>;
  release(address: string): Promise<void>;
}

export class AddressClaims {
  readonly #host: AddressHost;
  readonly #log: Logger;
  readonly #onChange: (addresses: ReadonlySet<string>) => void;
  readonly #claimed = new Set<string>();
  readonly #failed = new Map<string, string>();
  #wanted: ReadonlySet<string> = new Set();
  #queue: Promise<void> = Promise.resolve();

  /** `onChange` hears of the addresses that have come, or that cannot be had. */
  constructor(host: AddressHost, log: Logger, onChange: (addresses: ReadonlySet<string>) => void) {
    this.#host = host;
    this.#log = log;
    this.#onChange = onChange;
  }

  has(address: string): boolean {
    return this.#claimed.has(address);
  }

  /** Why an address is not here; undefined while it is on its way. */
  failure(address: string): string | undefined {
    return this.#failed.get(address);
  }

  /** All addresses that there should be. */
  want(addresses: ReadonlySet<string>): void {
    const before = this.#wanted;
    this.#wanted = addresses;
    const news = [...addresses].some((one) => !before.has(one)) || [...before].some((one) => !addresses.has(one));
    if (news) this.#queue = this.#queue.then(() => this.#settle());
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#queue;
  }

  async #settle(): Promise<void> {
    const changed = new Set<string>();
    for (const address of this.#wanted) {
      if (this.#claimed.has(address)) continue;
      changed.add(address);
      try {
        await this.#host.claim(address);
        this.#claimed.add(address);
        this.#failed.delete(address);
      } catch (error) {
        const { message } = error as Error;
        this.#failed.set(address, message);
        this.#log.error({ address, error: message }, 'Cannot bring the address of a Gateway to this machine');
      }
    }
    for (const address of [...this.#claimed]) {
      if (this.#wanted.has(address)) continue;
      this.#claimed.delete(address);
      try {
        await this.#host.release(address);
      } catch (error) {
        this.#log.warn({ address, error: (error as Error).message }, 'Cannot let go of the address of a Gateway');
      }
    }
    for (const address of this.#failed.keys()) if (!this.#wanted.has(address)) this.#failed.delete(address);
    if (changed.size > 0) this.#onChange(changed);
  }
}
