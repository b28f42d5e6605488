// The announcing thread through its door: what cannot be had is told with the system's code, and it ends when it is told to.
// A real thread and real sockets on this machine.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { Announcer } from './announcer.ts';

const announcers: Announcer[] = [];
const failures: Error[] = [];

function start(): Announcer {
  const announcer = new Announcer({
    clock: systemClock,
    log: silentLogger,
    onPause: () => {},
    onChange: () => {},
    onFailure: (error) => failures.push(error),
  });
  announcers.push(announcer);
  return announcer;
}

describe('the announcing thread', () => {
  afterEach(async () => {
    await Promise.all(announcers.splice(0).map((one) => one.close()));
    expect(failures).toEqual([]);
  });

  it('says which port it cannot have', async () => {
    const taken = createSocket('udp4').bind(0);
    await once(taken, 'listening');
    const { port } = taken.address();
    const settings = { name: 'a', key: new Uint8Array(32), port };
    await expect(start().openHeartbeats(settings)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    taken.close();
    await once(taken, 'close');
    const liveness = await start().openHeartbeats(settings);
    liveness.setPeers([{ name: 'b', address: '127.0.0.1', port: 10_250 }]);
    expect(liveness.alivePeers).toEqual(['b']);
    await liveness.leave();
  });

  it('that has ended keeps nobody who says good-bye', async () => {
    const announcer = start();
    const liveness = await announcer.openHeartbeats({ name: 'a', key: new Uint8Array(32), port: await freePort() });
    await announcer.close();
    await liveness.leave();
  });
});

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
