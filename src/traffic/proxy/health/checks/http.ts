// An HTTP check: one request, and the status of its answer. HTTP/1.1, or HTTP/2 where the cluster speaks it.
// Reads no body; follows no redirect, which is an answer like any other.

import { request } from 'node:http';
import { bad, type Check, type CheckTarget, connectionTrouble, good, openSocket } from './check.ts';
import { callHttp2 } from './http2-call.ts';
import { isExpected } from './statuses.ts';

const USER_AGENT = 'evenkeel-health-check';

export const checkHttp: Check = (target, done) => (target.http2 ? overHttp2(target, done) : overHttp1(target, done));

const overHttp1: Check = (target, done) => {
  const { check } = target;
  const call = request({
    createConnection: () => openSocket(target, 'http1'),
    method: check.method ?? 'GET',
    path: check.path ?? '/',
    headers: { Host: hostOf(target), 'User-Agent': USER_AGENT, Connection: 'close' },
  });
  call.on('response', (response) => {
    done(answered(target, response.statusCode ?? 0));
    call.destroy();
  });
  call.on('error', (error) => done(bad(connectionTrouble(error))));
  call.end();
  return () => call.destroy();
};

const overHttp2: Check = (target, done) => {
  const { check } = target;
  const headers = {
    ':method': check.method ?? 'GET',
    ':path': check.path ?? '/',
    ':authority': hostOf(target),
    'user-agent': USER_AGENT,
  };
  return callHttp2(target, headers, undefined, (answer) =>
    done(answer.type === 'failed' ? bad(answer.reason) : answered(target, answer.status)),
  );
};

function answered({ check }: CheckTarget, status: number) {
  const text = `Answered ${status}`;
  return isExpected(status, check.expectedStatuses) ? good(text) : bad(text);
}

/** What the check says, else what clients of the endpoint itself would say. */
export function hostOf({ check, address, port }: CheckTarget): string {
  if (check.host !== undefined) return check.host;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
