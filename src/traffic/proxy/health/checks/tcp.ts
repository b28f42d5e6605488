// A TCP check: the endpoint accepts a connection (and, with TLS, ends the handshake).
// Sends nothing; knows nothing of what is spoken on it.

import { bad, type Check, connectionTrouble, good, openSocket } from './check.ts';

export const checkTcp: Check = (target, done) => {
  const socket = openSocket(target, 'http1');
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    socket.destroy();
    done(good('Connected'));
  });
  socket.on('error', (error) => done(bad(connectionTrouble(error))));
  return () => socket.destroy();
};
