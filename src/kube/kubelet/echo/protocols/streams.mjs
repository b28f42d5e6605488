// Bytes and datagrams of any protocol: what comes goes back, with the name of the pod before the first of it.
// Knows sockets only.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

function echoStream(socket, name) {
  socket.on('error', () => socket.destroy());
  socket.once('data', (first) => {
    socket.write(`${name}: `);
    socket.write(first);
    socket.pipe(socket);
  });
}

export function tcp({ who }) {
  return createServer((socket) => echoStream(socket, who.pod));
}

/** The client is told the server name that it asked for as well. */
export function tls({ who, identity }) {
  const server = createTlsServer(identity, (socket) => echoStream(socket, `${who.pod} ${socket.servername || '-'}`));
  return server.on('tlsClientError', () => {});
}

/** A socket with the methods of a server. */
export function udp({ who }) {
  let socket;
  return {
    listen: (port, host, ready) => {
      const family = host === undefined || host.includes(':') ? 'udp6' : 'udp4';
      socket = createSocket(family, (message, from) => {
        socket.send(`${who.pod}: ${message}`, from.port, from.address);
      });
      socket.bind(port, host, ready);
    },
    address: () => socket.address(),
    close: (done) => socket.close(done),
  };
}
