// The echo image as a real process: what it answers, its knobs, and how it ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownNumber } from '#test/support/own-number.ts';
import { echoImages } from './image.ts';

const HOST = `127.244.254.${1 + ownNumber()}`;

let child: ChildProcess;
let base: string;

async function start(env: Record<string, string> = {}): Promise<{ process: ChildProcess; url: string }> {
  const [program = '', ...args] = echoImages['evenkeel.dev/echo']?.command ?? [];
  const started = spawn(program, args, {
    env: { POD_NAME: 'echo-1', POD_IP: HOST, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(started.stdout, 'data')) as [Buffer];
  const { address, port } = JSON.parse(line.toString('utf8'));
  return { process: started, url: `http://${address === '::' ? '[::]' : address}:${port}` };
}

beforeAll(async () => {
  const started = await start();
  child = started.process;
  base = started.url;
});

afterAll(async () => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('answers with what it received and who it is', async () => {
  const response = await fetch(`${base}/a/b?c=d`, { method: 'POST', headers: { 'x-me': 'yes' }, body: 'text' });
  expect(await response.json()).toMatchObject({
    pod: 'echo-1',
    podIp: HOST,
    method: 'POST',
    path: '/a/b?c=d',
    headers: { 'x-me': 'yes' },
    body: 'text',
  });
});

test('in a network of its own it is reached by every address of the pod, whatever POD_IP says', async () => {
  const { process: other, url } = await start({ POD_IP: '10.244.1.9' });
  const { port } = new URL(url);
  const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  for (const host of hasIpv6 ? ['127.0.0.1', '[::1]'] : ['127.0.0.1']) {
    const answer = await (await fetch(`http://${host}:${port}/`)).json();
    expect(answer).toMatchObject({ podIp: '10.244.1.9', remoteAddress: host.replace(/[[\]]/g, '') });
  }
  other.kill('SIGKILL');
  await once(other, 'exit');
});

test('a query or a header turns a knob for one request, POST /knobs for all', async () => {
  expect((await fetch(`${base}/?status=418`)).status).toBe(418);
  expect((await fetch(base, { headers: { 'x-echo-error-rate': '1' } })).status).toBe(500);
  expect((await (await fetch(`${base}/?size=5000`)).text()).length).toBeGreaterThan(5000);
  await fetch(`${base}/knobs`, { method: 'POST', body: '{"status":503}' });
  expect((await fetch(base)).status).toBe(503);
  await fetch(`${base}/knobs?status=200`, { method: 'POST' });
  expect(await (await fetch(`${base}/knobs`)).json()).toMatchObject({ status: 200, latencyMs: 0 });
});

test('readiness and liveness are switched by POST', async () => {
  expect((await fetch(`${base}/readyz`)).status).toBe(200);
  await fetch(`${base}/ready?value=false`, { method: 'POST' });
  expect((await fetch(`${base}/readyz`)).status).toBe(503);
  await fetch(`${base}/ready?value=true`, { method: 'POST' });
  await fetch(`${base}/live?value=false`, { method: 'POST' });
  expect((await fetch(`${base}/livez`)).status).toBe(500);
});

test('POST /crash ends it with the code asked for', async () => {
  const other = await start();
  const ended = once(other.process, 'exit');
  await fetch(`${other.url}/crash?code=7`, { method: 'POST' });
  expect((await ended)[0]).toBe(7);
});

test('on SIGTERM it is no longer ready, finishes what it began, and closes kept connections', async () => {
  const agent = new Agent({ keepAlive: true });
  const slow = new Promise<IncomingMessage>((resolve, reject) => {
    get(`${base}/slow?latencyMs=600`, { agent }, (response) => resolve(response.resume())).on('error', reject);
  });
  const ended = once(child, 'exit');
  child.stdout?.resume();
  // The slow request is in its hands once a later one is answered.
  await fetch(`${base}/livez`);
  const draining = once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  child.kill('SIGTERM');
  await draining;
  expect((await fetch(`${base}/readyz`)).status).toBe(503);
  const response = await slow;
  expect(response.statusCode).toBe(200);
  expect(response.headers.connection).toBe('close');
  expect((await ended)[0]).toBe(0);
  agent.destroy();
});

test('a port speaks the protocol behind its number, and an unknown one is an error that lists them', async () => {
  const { process: other, url } = await start({ ECHO_PORTS: '0/tcp' });
  const client = connect(Number(new URL(url).port), HOST);
  let text = '';
  client.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  client.end('hello');
  await once(client, 'close');
  expect(text).toBe('echo-1: hello');
  other.kill('SIGKILL');
  await once(other, 'exit');

  const [program = '', ...args] = echoImages['evenkeel.dev/echo']?.command ?? [];
  const wrong = spawn(program, args, { env: { ECHO_PORTS: '8080/smtp' }, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  wrong.stderr.on('data', (bytes: Buffer) => {
    words += bytes.toString();
  });
  expect((await once(wrong, 'close'))[0]).toBe(1);
  expect(words).toContain('ECHO_PORTS: "smtp" is no protocol of this image; use http, https, grpc, tcp, tls, udp');
});
