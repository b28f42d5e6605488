// A small gRPC service and its client, made by hand: every kind of call, with grpc-js as anyone would use it.
// Knows nothing of gateways.
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';

const text = {
  serialize: (value: string): Buffer => Buffer.from(value),
  deserialize: (bytes: Buffer): string => bytes.toString(),
};
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
});

const definition = {
  Unary: method('Unary', false, false),
  Collect: method('Collect', true, false),
  Repeat: method('Repeat', false, true),
  Chat: method('Chat', true, true),
} satisfies ServiceDefinition;

export interface EchoServer {
  readonly address: string;
  /** Calls that were taken. */
  calls: number;
  /** Calls that the client gave up, or whose time was over. */
  cancelled: number;
  close(): void;
}

/** Unary `fail:CODE` fails with that code and a message; `wait` never answers. */
export async function echoServer(): Promise<EchoServer> {
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const echo: EchoServer = { address: '', calls: 0, cancelled: 0, close: () => server.forceShutdown() };
  server.addService(definition, {
    Unary(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
      echo.calls++;
      call.on('cancelled', () => echo.cancelled++);
      const sent = call.metadata.get('x-sent');
      const { request } = call;
      if (request === 'wait') return;
      if (request.startsWith('fail:')) {
        done({ code: Number(request.slice(5)), details: 'Asked to fail: 100 %, très bien' });
        return;
      }
      if (sent.length > 0) {
        const { metadata } = call;
        call.sendMetadata(metadata);
      }
      done(null, request);
    },
    Collect(call: ServerReadableStream<string, string>, done: sendUnaryData<string>) {
      const parts: string[] = [];
      call.on('data', (part: string) => parts.push(part));
      call.on('end', () => done(null, parts.join('')));
    },
    Repeat(call: ServerWritableStream<string, string>) {
      call.on('cancelled', () => echo.cancelled++);
      const [word, count] = call.request.split('*') as [string, string];
      for (let i = 0; i < Number(count); i++) call.write(`${word}${i}`);
      call.end();
    },
    Chat(call: ServerDuplexStream<string, string>) {
      call.on('cancelled', () => echo.cancelled++);
      call.on('data', (part: string) => call.write(part.toUpperCase()));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return Object.assign(echo, { address: `127.0.0.1:${port}` });
}

export interface UnaryOptions {
  /** Milliseconds. */
  readonly deadline?: number;
  readonly metadata?: Metadata;
  /** `/SERVICE/METHOD` in place of the echo service's own. */
  readonly path?: string;
  /** Told of the call, to cancel it. */
  readonly onCall?: (call: ClientUnaryCall) => void;
}

/** The client of one channel. */
export class EchoClient extends Client {
  /** `authority` stands in for the address as the host of calls. */
  constructor(address: string, authority?: string) {
    super(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      ...(authority === undefined ? {} : { 'grpc.default_authority': authority }),
    });
  }

  unary(request: string, options: UnaryOptions = {}): Promise<{ value: string; metadata: Metadata | undefined }> {
    return new Promise((resolve, reject) => {
      let metadata: Metadata | undefined;
      const call = this.makeUnaryRequest(
        options.path ?? definition.Unary.path,
        text.serialize,
        text.deserialize,
        request,
        options.metadata ?? new Metadata(),
        options.deadline === undefined ? {} : { deadline: Date.now() + options.deadline },
        (error: ServiceError | null, value = '') => (error === null ? resolve({ value, metadata }) : reject(error)),
      );
      call.on('metadata', (got: Metadata) => {
        metadata = got;
      });
      options.onCall?.(call);
    });
  }

  collect(parts: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const { path } = definition.Collect;
      const call = this.makeClientStreamRequest(path, text.serialize, text.deserialize, (error, value = '') =>
        error === null ? resolve(value) : reject(error),
      );
      for (const part of parts) call.write(part);
      call.end();
    });
  }

  repeat(request: string): ClientReadableStream<string> {
    return this.makeServerStreamRequest(definition.Repeat.path, text.serialize, text.deserialize, request);
  }

  chat(): ClientDuplexStream<string, string> {
    return this.makeBidiStreamRequest(definition.Chat.path, text.serialize, text.deserialize);
  }
}
