// The gRPC backend: unary calls that are answered with what was sent. Argument: the port.
// Messages are bytes to it; no schema is needed to send them back.

import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';

const bytes = (value: Buffer): Buffer => value;

const service = {
  Echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
} as const satisfies ServiceDefinition;

const server = new Server();
server.addService(service, {
  Echo: (call: { request: Buffer }, done: (error: null, reply: Buffer) => void) => done(null, call.request),
});
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) {
    console.error(error.message);
    process.exit(1);
  }
});
process.on('SIGTERM', () => process.exit(0));
