// Addresses of Gateways on the machine that a gateway runs on: those that are there, and those that are brought to an interface.
// Knows the tool `ip`; who gets which address is decided elsewhere.
import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import type { AddressHost } from '#control/controllers/traffic/gateways/address-claims.ts';
import type { Clock } from '#lib/clock.ts';
import { sayHere } from '#traffic/announce/l2/say-here.ts';

const run = promisify(execFile);

export interface MachineAddresses extends AddressHost {
  /** Takes away all that was brought. */
  close(): Promise<void>;
}

export interface MachineAddressTools {
  readonly clock: Clock;
  /** One line a problem. */
  readonly warn: (message: string) => void;
}

/** Milliseconds after which it is said again that an address is here; neighbours may not listen for the first second. */
const SAID_MS = [0, 150, 1_100, 2_200];

/** Without `link` only addresses that the machine has by itself can be had. */
export function machineAddresses(link: string | undefined, { clock, warn }: MachineAddressTools): MachineAddresses {
  const brought = new Set<string>();
  /** Who had it before may be dead, and routers still know its hardware. */
  const say = (address: string): void => {
    try {
      if (brought.has(address)) sayHere(address, link ?? '');
    } catch (error) {
      warn(
        `Neighbours are not told that ${address} is at ${link} now, and may look for it elsewhere for a while: ${(error as Error).message}`,
      );
    }
  };
  const change = async (verb: 'replace' | 'delete', address: string): Promise<void> => {
    const bits = address.includes(':') ? '128' : '32';
    const nodad = address.includes(':') && verb === 'replace' ? ['nodad'] : [];
    await run('ip', ['addr', verb, `${address}/${bits}`, 'dev', link ?? '', ...nodad]);
  };
  const release = async (address: string): Promise<void> => {
    if (brought.delete(address)) await change('delete', address);
  };
  return {
    async claim(address) {
      if (isHere(address)) return;
      if (link === undefined) {
        throw new Error(
          `this machine has no address ${address}; start the gateway with --interface, which brings it there`,
        );
      }
      try {
        await change('replace', address);
      } catch (error) {
        const { stderr = '', message } = error as Error & { stderr?: string };
        throw new Error(`${address} cannot be brought to interface ${link}: ${stderr.trim() || message}`, {
          cause: error,
        });
      }
      brought.add(address);
      for (const ms of SAID_MS) clock.after(ms, () => say(address));
    },
    release,
    async close() {
      await Promise.allSettled([...brought].map(release));
    },
  };
}

/** All of 127.0.0.0/8 is, whatever the list says. */
function isHere(address: string): boolean {
  if (address.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address) === true);
}
