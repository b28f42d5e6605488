// `evenkeel gateway` as a test runs it: the real command on a file of its own, with its addresses read from what it says.
// Knows the CLI only.
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { evenkeelBinary, type Running, start } from './run.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

export interface TestGateway extends Running {
  readonly file: string;
  /** Of a listener, or of `admin`; without a slash at the end. */
  url(name: string): string;
  /** Replaces the file in one step, as editors do. */
  write(text: string): void;
  /** Until it has said this, on either output. */
  said(text: string | RegExp): Promise<void>;
}

/** Ends, the hard way, whatever a test left running, and removes its files. */
export class Gateways {
  readonly #running: Running[] = [];
  readonly #closing: Array<() => Promise<void>> = [];
  #dir: TempDir | undefined;

  get dir(): string {
    this.#dir ??= tempDir('gateway');
    return this.#dir.path;
  }

  /** Resolves once it serves, or has ended. */
  async start(text: string, args: readonly string[] = [], file = join(this.dir, 'gateway.yaml')): Promise<TestGateway> {
    if (text !== '') writeFileSync(file, text);
    const running = start(evenkeelBinary, ['gateway', '--config', file, '--admin-port', '0', ...args]);
    this.#running.push(running);
    const ended = running.finished.then(() => true);
    await Promise.race([
      ended,
      eventually('the gateway serves', () => {
        if (!/^Serving /m.test(running.output().stdout)) throw new Error(JSON.stringify(running.output()));
      }),
    ]);
    return {
      ...running,
      file,
      url: (name) => {
        const place = new RegExp(`^${name} +(?:tcp |udp |tls )?(\\S+)$`, 'm').exec(running.output().stdout)?.[1];
        if (place === undefined) throw new Error(`No address of "${name}" in ${JSON.stringify(running.output())}`);
        return place.replace(/\/$/, '');
      },
      write(next) {
        writeFileSync(`${file}.new`, next);
        renameSync(`${file}.new`, file);
      },
      said: (wanted) =>
        eventually(`the gateway says ${wanted}`, () => {
          const { stdout, stderr } = running.output();
          const all = `${stdout}${stderr}`;
          if (!(typeof wanted === 'string' ? all.includes(wanted) : wanted.test(all))) throw new Error(all);
        }),
    };
  }

  /** A backend; its `host:port`. */
  async backend(handler: RequestListener): Promise<string> {
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closing.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    );
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const { child, finished } of this.#running.splice(0)) {
      child.kill('SIGKILL');
      await finished.catch(() => {});
    }
    await Promise.all(this.#closing.splice(0).map((close) => close()));
    this.#dir?.remove();
    this.#dir = undefined;
  }
}
