// Backends come and go under load: nothing that can be answered is lost.
import { Agent, request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { endpointsUpdate, simpleModel } from './testing/model.ts';
import { type Backend, httpBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

function worker(): Promise<Backend> {
  return httpBackend((request, response) => {
    request.resume();
    request.on('end', () => setTimeout(() => response.end('ok'), Math.random() * 5));
  });
}

interface Load {
  /** Every answer that was not 200. */
  stop(): Promise<string[]>;
  count(): number;
  /** Resolves once every request that is under way now has been answered. */
  settled(): Promise<void>;
}

/** Asks from `clients` connections until stopped. */
function load(engine: Engine, method: string, clients: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const failures: string[] = [];
  let stopped = false;
  let count = 0;
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      const request = httpRequest({ port: portOf(engine), host: '127.0.0.1', method, agent }, (response) => {
        let text = '';
        response.on('data', (piece: Buffer) => {
          text += piece;
        });
        response.on('end', () => resolve(response.statusCode === 200 ? '' : `${response.statusCode} ${text}`));
        response.on('error', (error) => resolve(error.message));
      });
      request.on('error', (error) => resolve(error.message));
      request.end(method === 'POST' ? 'x' : undefined);
    });
  const underWay: Promise<string>[] = [];
  const loops = Array.from({ length: clients }, async (_, client) => {
    while (!stopped) {
      const asked = ask();
      underWay[client] = asked;
      const failure = await asked;
      count++;
      if (failure !== '') failures.push(failure);
    }
  });
  return {
    count: () => count,
    settled: async () => void (await Promise.all(underWay)),
    async stop() {
      stopped = true;
      await Promise.all(loops);
      agent.destroy();
      return failures;
    },
  };
}

/** Resolves when `running` has answered `more` further requests. */
async function progress(running: { count(): number }, more: number): Promise<void> {
  const until = running.count() + more;
  while (running.count() < until) await new Promise((resolve) => setImmediate(resolve));
}

describe('a rollout under load', () => {
  it.each(['GET', 'POST'])('replaces every backend, one after the other, without losing a %s', async (method) => {
    let live: Backend[] = await Promise.all([worker(), worker(), worker()]);
    const engine = await harness.engine();
    engine.publish(simpleModel(live.map((backend) => backend.port)));
    await engine.applied();
    const running = load(engine, method, 8);
    for (let round = 0; round < 6; round++) {
      const [oldest, ...rest] = live as [Backend, ...Backend[]];
      live = [...rest, await worker()];
      engine.publish(endpointsUpdate(live.map((backend) => backend.port)));
      await engine.applied();
      // The time that preStop gives: a request that a closing backend has not read yet is lost, whoever sent it.
      await running.settled();
      // As a pod does on SIGTERM: idle connections close, requests under way are answered.
      oldest.server.close();
      await progress(running, 40);
    }
    expect(await running.stop()).toEqual([]);
    for (const backend of live) await backend.close();
  });

  it('loses no GET when backends are killed before anybody knows', async () => {
    let live: Backend[] = await Promise.all([worker(), worker(), worker()]);
    const engine = await harness.engine();
    engine.publish(simpleModel(live.map((backend) => backend.port)));
    await engine.applied();
    const running = load(engine, 'GET', 8);
    for (let round = 0; round < 6; round++) {
      const [victim, ...rest] = live as [Backend, ...Backend[]];
      await victim.close();
      await progress(running, 60);
      live = [...rest, await worker()];
      engine.publish(endpointsUpdate(live.map((backend) => backend.port)));
      await engine.applied();
      await progress(running, 20);
    }
    expect(await running.stop()).toEqual([]);
    for (const backend of live) await backend.close();
  });

  it('says when a backend that leaves is idle: after its last answer, whether or not its cluster still lists it', async () => {
    const answers: (() => void)[] = [];
    const slow = await harness.backend(
      httpBackend((_request, response) => void answers.push(() => response.end('ok'))),
    );
    const engine = await harness.engine();
    engine.publish(simpleModel([slow.port]));
    await engine.applied();
    const running = load(engine, 'GET', 1);
    while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    engine.publish(endpointsUpdate([]));
    let idle = false;
    const drained = engine.drained(['127.0.0.1'], new AbortController().signal).then(() => {
      idle = true;
    });
    await engine.applied();
    expect(idle).toBe(false);
    const stopped = running.stop();
    for (const answer of answers) answer();
    await drained;
    expect(await stopped).toEqual([]);
    const given = AbortSignal.abort();
    await engine.drained(['127.0.0.1'], given);
  });
});
