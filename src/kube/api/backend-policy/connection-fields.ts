// Settings of how backends are spoken to: time-outs, retries, the protocol.
// Data only.
import { duration, HOUR, percent, type SettingField, token, whole, word } from './field.ts';

const timeout = duration(0, 24 * HOUR);

export const connectionFields: readonly SettingField[] = [
  {
    path: 'timeouts.connect',
    annotation: 'connect-timeout',
    is: duration(1, HOUR),
    otherwise: '5s',
    about: 'For a connection to a backend.',
  },
  {
    path: 'timeouts.request',
    annotation: 'request-timeout',
    is: timeout,
    otherwise: 'none',
    about: 'For a request with all its tries, to the last byte of the response: 504 beyond.',
  },
  {
    path: 'timeouts.perTry',
    annotation: 'per-try-timeout',
    is: timeout,
    otherwise: '60s',
    about: 'For one try, to the head of the response.',
  },
  {
    path: 'timeouts.idle',
    annotation: 'idle-timeout',
    is: timeout,
    otherwise: '60s',
    about: 'Without a byte in either direction while a message is under way.',
  },
  {
    path: 'retry.attempts',
    annotation: 'retries',
    is: whole(0, 10),
    default: 1,
    about: 'Further tries.',
  },
  {
    // Not `on`: kubectl reads that as `true`.
    path: 'retry.conditions',
    annotation: 'retry-on',
    is: {
      type: 'list',
      of: word('connect_failure', 'reset', 'refused_stream', 'timeout', 'gateway_error', '5xx', 'retriable_4xx'),
      most: 7,
    },
    otherwise: 'connect_failure, reset, refused_stream',
    about: 'What makes a try worth repeating.',
  },
  {
    path: 'retry.statuses',
    annotation: 'retry-statuses',
    is: { type: 'list', of: whole(400, 599), most: 32 },
    otherwise: 'none',
    about: 'Further statuses that do, e.g. 429.',
  },
  {
    path: 'retry.methods',
    annotation: 'retry-methods',
    is: { type: 'list', of: token, most: 16 },
    otherwise: 'none',
    about: 'Methods beside the idempotent ones that may be repeated once sent, e.g. POST.',
  },
  {
    path: 'retry.backoff',
    annotation: 'retry-backoff',
    is: duration(0, HOUR),
    otherwise: '0s: at once',
    about: 'Wait before the first further try, doubling with each, at random from 0 to that.',
  },
  {
    path: 'retry.maxBackoff',
    annotation: 'retry-max-backoff',
    is: duration(0, HOUR),
    otherwise: 'ten times the first',
    about: 'Longest wait.',
  },
  {
    path: 'retryBudget.percent',
    annotation: 'retry-budget-percent',
    is: percent,
    default: 20,
    about: 'Retries that may be in flight, in percent of the requests in flight.',
  },
  {
    path: 'retryBudget.minConcurrent',
    annotation: 'retry-budget-min-concurrent',
    is: whole(0, 100_000),
    default: 3,
    about: 'Retries that may always be in flight.',
  },
  {
    path: 'upstreamProtocol',
    annotation: 'upstream-protocol',
    is: word('http1', 'http2'),
    otherwise: 'as appProtocol of the port says; http1',
    about: 'What backends speak.',
  },
];
