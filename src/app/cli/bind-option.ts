// Addresses that a part serves pages at: an address, a port, both, or nothing.
// Knows no command; each has a port of its own that is meant when none is said.
import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import type { Bind } from '../main/pages.ts';

/** `off` gives none; `127.0.0.1`, `127.0.0.1:8080`, `::1`, `[::1]` and `[::1]:8080` one. Port 0 takes a free one. */
export function bindParser(defaultPort: number): (text: string) => readonly Bind[] {
  return (text) => {
    if (text === 'off') return [];
    const [, bracketed, plain = text, port = String(defaultPort)] =
      /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
    const address = bracketed ?? plain;
    const isWrong = bracketed === undefined ? isIP(address) === 0 : isIP(address) !== 6;
    if (isWrong || Number(port) > 65_535) {
      const examples = [`127.0.0.1`, `0.0.0.0:${defaultPort}`, `[::]:${defaultPort}`].join(', ');
      throw new InvalidArgumentError(`It is no address to listen at: write e.g. ${examples}, or off.`);
    }
    return [{ address, port: Number(port) }];
  };
}
