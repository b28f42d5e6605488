// Fuzzes the parsers of what comes ahead of HTTP: PROXY protocol headers and TLS hellos.
// They are pure, so no engine is needed: they must never throw, and never change their mind as more bytes come.

import { composeProxyHeader } from '../../src/traffic/proxy/proxy-protocol/compose.ts';
import { readProxyHeader } from '../../src/traffic/proxy/proxy-protocol/read.ts';
import { clientHello } from '../../src/traffic/proxy/testing/client-hello.ts';
import { readClientHello } from '../../src/traffic/proxy/tls/client-hello.ts';
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';
import type { Finding } from './requests.ts';

const four = { source: { address: '192.0.2.1', port: 1234 }, destination: { address: '192.0.2.2', port: 80 } };
const six = { source: { address: '2001:db8::1', port: 1234 }, destination: { address: '2001:db8::2', port: 80 } };

const headers = (['v1', 'v2'] as const)
  .flatMap((version) => [four, six, undefined].map((pair) => composeProxyHeader(version, pair)))
  .map((bytes) => `${bytes.toString('latin1')}GET / HTTP/1.1\r\n\r\n`);

const hellos = [clientHello({}), clientHello({ suites: [0x1301, 0x1302] })].map((bytes) => bytes.toString('latin1'));

interface Reading {
  readonly type: string;
}

/** One mutated header and one mutated hello; what is wrong, if anything. */
export function fuzzParsers(random: Random): Finding | undefined {
  return (
    check(mutated(headers, random), readProxyHeader, random) ?? check(mutated(hellos, random), readClientHello, random)
  );
}

function check(input: string, read: (bytes: Buffer) => Reading, random: Random): Finding | undefined {
  const bytes = Buffer.from(input, 'latin1');
  try {
    const whole = read(bytes);
    const part = read(bytes.subarray(0, random.below(bytes.length + 1)));
    // A verdict stands; only "partial" may turn into one.
    if (part.type !== 'partial' && JSON.stringify(part) !== JSON.stringify(whole)) {
      return { law: 'A verdict changes', detail: `${JSON.stringify(part)} became ${JSON.stringify(whole)}`, input };
    }
    return undefined;
  } catch (error) {
    return {
      law: 'A parser throws',
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
      input,
    };
  }
}
