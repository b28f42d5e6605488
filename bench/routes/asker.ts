// A client that asks one address over one kept connection, host by host, until an answer is the right one.
// Knows HTTP/1.1 as far as the echo server and the gateway speak it.

import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** The whole head. */
  readonly head: string;
}

/** Milliseconds between an answer that was not the right one and the next question. */
const PAUSE_MS = 0.5;
const LIMIT_MS = 30_000;

export class Asker {
  readonly #url: URL;
  #socket: Socket | undefined;
  #text = '';
  #waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  ask(host: string, path = '/'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket ??= this.#connect();
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    });
  }

  /** When the first right answer had come, by `performance.now()`; rejects after half a minute. */
  async until(host: string, isRight: (answer: Answer) => boolean): Promise<number> {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      const answer = await this.ask(host);
      const now = performance.now();
      if (isRight(answer)) return now;
      if (now > end) throw new Error(`${host} still answers ${answer.status} after ${LIMIT_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): Socket {
    const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      this.#text += piece;
      const answer = answerIn(this.#text);
      if (answer === undefined) return;
      this.#text = '';
      this.#waiting?.resolve(answer);
    });
    const fail = (error: Error): void => {
      this.#socket = undefined;
      this.#text = '';
      this.#waiting?.reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`${this.#url.host} closed the connection`)));
    return socket;
  }
}

/** The answer when all of it is there, with its length in the head or in chunks. */
export function answerIn(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const [, length] = /^content-length: *(\d+)/im.exec(head) ?? [];
  const whole =
    length === undefined
      ? !/^transfer-encoding:/im.test(head) || text.endsWith('0\r\n\r\n')
      : text.length >= end + 4 + Number(length);
  return whole ? { status: Number(head.slice(9, 12)), head } : undefined;
}
