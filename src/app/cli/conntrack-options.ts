// Options of the kernel's connection tracking, by kube-proxy's names.
// Knows no kernel; what is set is app/service-proxy/conntrack-settings.ts.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ConntrackSettings } from '../service-proxy/conntrack-settings.ts';
import { parseDelay } from './values.ts';

export interface ConntrackOptions {
  readonly conntrackMaxPerCore?: number;
  readonly conntrackMin?: number;
  readonly conntrackTcpTimeoutEstablished?: number;
  readonly conntrackTcpTimeoutCloseWait?: number;
  readonly conntrackUdpTimeout?: number;
  readonly conntrackUdpTimeoutStream?: number;
  readonly conntrackTcpBeLiberal?: boolean;
}

const TIMES = [
  ['tcp-timeout-established', 'an idle connection of TCP is remembered'],
  ['tcp-timeout-close-wait', 'a connection of TCP that one side has closed is remembered'],
  ['udp-timeout', 'a flow of UDP that had no answer is remembered'],
  ['udp-timeout-stream', 'a flow of UDP that had answers is remembered'],
] as const;

/** Without them the machine's settings stay as they are. */
export function addConntrackOptions(command: Command): Command {
  command
    .addOption(
      new Option(
        '--conntrack-max-per-core <n>',
        'connections that the kernel may track, for each core; what may be more stays (default: left alone, 32768 with --conntrack-min)',
      ).argParser(parseNumber),
    )
    .addOption(
      new Option(
        '--conntrack-min <n>',
        'connections however few cores there are (default: left alone, 131072 with --conntrack-max-per-core)',
      ).argParser(parseNumber),
    );
  for (const [name, what] of TIMES) {
    command.addOption(
      new Option(`--conntrack-${name} <duration>`, `how long ${what}; 0 leaves it alone`).argParser(parseDelay),
    );
  }
  return command.option('--conntrack-tcp-be-liberal', 'track packets of TCP out of their window as well');
}

export function conntrackOf(options: ConntrackOptions): ConntrackSettings {
  const settings = {
    maxPerCore: options.conntrackMaxPerCore,
    min: options.conntrackMin,
    tcpEstablishedMs: options.conntrackTcpTimeoutEstablished,
    tcpCloseWaitMs: options.conntrackTcpTimeoutCloseWait,
    udpMs: options.conntrackUdpTimeout,
    udpStreamMs: options.conntrackUdpTimeoutStream,
    tcpBeLiberal: options.conntrackTcpBeLiberal,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** The kernel's own limit. */
const MOST = 2 ** 31 - 1;

function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MOST) {
    throw new InvalidArgumentError(`It is no whole number from 0 to ${MOST}: write e.g. 131072.`);
  }
  return value;
}
