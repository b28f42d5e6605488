// The addresses of DNS options, given once or several times.
// Knows no command.
import { InvalidArgumentError } from 'commander';
import { parseUpstream, type UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';

export function parseDnsUpstream(text: string, before: readonly UpstreamAddress[] = []): readonly UpstreamAddress[] {
  const upstream = parseUpstream(text);
  if (upstream === undefined) {
    throw new InvalidArgumentError(
      'It is no address of a resolver: write e.g. 1.1.1.1, 10.0.0.2:5353 or [fd00::1]:53.',
    );
  }
  return [...before, upstream];
}

/** `127.0.0.1:53`, `[::1]:53`, `10.0.0.1` (port 53); port 0 takes a free one. */
export function parseListen(text: string, before: readonly UpstreamAddress[] = []): readonly UpstreamAddress[] {
  const free = /:0$/.test(text) && !/::0$/.test(text);
  const listen = parseUpstream(free ? text.replace(/0$/, '1') : text);
  if (listen === undefined) {
    throw new InvalidArgumentError('It is no address to listen at: write e.g. 10.96.0.10:53, 0.0.0.0:53 or [::]:53.');
  }
  return [...before, free ? { ...listen, port: 0 } : listen];
}
