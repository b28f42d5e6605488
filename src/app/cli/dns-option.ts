// The text of `--dns-upstream`, given once or several times.
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
