// The addresses of DNS options, given once or several times.
// Knows no command.
import { InvalidArgumentError } from 'commander';
import { parseStubDomain, type StubDomain } from '#traffic/dns/forward/stub-domain.ts';
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

/** `corp.example=10.0.0.2,10.0.0.3:5353`; each zone once. */
export function parseDnsStub(text: string, before: readonly StubDomain[] = []): readonly StubDomain[] {
  const stub = parseStubDomain(text);
  if (stub === undefined) {
    throw new InvalidArgumentError('It is no zone with resolvers: write e.g. corp.example=10.0.0.2,10.0.0.3:5353.');
  }
  if (before.some(({ zone }) => zone === stub.zone)) {
    throw new InvalidArgumentError(`The zone ${stub.zone} is given twice: name all its resolvers at once.`);
  }
  return [...before, stub];
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
