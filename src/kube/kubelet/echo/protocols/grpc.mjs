// gRPC without a schema: every method of every service sends back the messages that it is sent, and says which pod it is.
// Knows requests of HTTP/2; what is in a message is nothing to it.
import { createServer } from 'node:http2';

export function grpc({ who }) {
  const sessions = new Set();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    if (!/^application\/grpc/.test(headers['content-type'] ?? '')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'x-pod': who.pod, 'x-method': headers[':path'] },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  return {
    listen: (port, host, ready) => server.listen(port, host, ready),
    address: () => server.address(),
    close: (done) => {
      server.close(done);
      // GOAWAY: streams that are open end in their own time.
      for (const session of sessions) session.close();
    },
  };
}
