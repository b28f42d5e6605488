// HTTP to a container engine over its socket: requests, answers as JSON, and streams that stay open.
// Knows no container; paths and bodies are the caller's.
import { type IncomingMessage, request } from 'node:http';

/** What the engine said instead of doing it. */
export class EngineError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TRIES = 20;
const PAUSE_MS = 100;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class EngineApi {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Answers of 2xx and 304 as JSON; `undefined` for an empty one. Throws `EngineError` for all others. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.open(method, path, body);
    const text = await textOf(answer);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Sends an archive, and waits until the engine has done with it. Throws `EngineError`. */
  async upload(path: string, archive: Buffer): Promise<void> {
    await textOf(await this.#answer('POST', path, archive, 'application/x-tar'));
  }

  /** The open answer, to be read as it comes. Throws `EngineError`. */
  async open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    return await this.#answer(method, path, body === undefined ? '' : JSON.stringify(body), 'application/json');
  }

  async #answer(method: string, path: string, content: string | Buffer, type: string): Promise<IncomingMessage> {
    let answer: IncomingMessage | undefined;
    // An engine that is just being started anew has no socket for a moment; nothing has been asked of it then.
    for (let tries = 1; answer === undefined; tries += 1) {
      try {
        answer = await this.#send(method, path, content, type);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (tries < TRIES && (code === 'ENOENT' || code === 'ECONNREFUSED')) await pause(PAUSE_MS);
        else
          throw new EngineError(
            0,
            `cannot reach the container engine at ${this.socketPath}: ${(error as Error).message}`,
          );
      }
    }
    const { statusCode = 0 } = answer;
    if ((statusCode >= 200 && statusCode < 300) || statusCode === 304) return answer;
    throw await refusalOf(answer);
  }

  #send(method: string, path: string, content: string | Buffer, type: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request({
        socketPath: this.socketPath,
        method,
        path,
        agent: false,
        headers: {
          host: 'engine',
          ...(content === '' ? {} : { 'content-type': type }),
          'content-length': Buffer.byteLength(content),
        },
      });
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.end(content);
    });
  }
}

/** An answer that is not the one hoped for, as an error with the engine's own words. */
export async function refusalOf(answer: IncomingMessage): Promise<EngineError> {
  return new EngineError(answer.statusCode ?? 0, messageIn(await textOf(answer)));
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8').trim();
}

/** Both engines answer `{"message": ...}`. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    return message ?? text;
  } catch {
    // Not JSON: the text itself is what there is to tell.
    return text === '' ? 'the container engine gave no reason' : text;
  }
}
