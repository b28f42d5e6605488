// The container's own streams: its output goes to its log and to everybody who is attached, its input stays open.
// Knows streams and the log; who attaches is the caller's matter.
import { PassThrough, type Readable, Writable } from 'node:stream';
import type { LogFile, LogStream } from './process/log-file.ts';
import type { OpenStreams, TerminalSize } from './runtime.ts';

interface ConsoleOptions {
  readonly stdin: Writable | undefined;
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly output: LogFile;
  readonly exited: Promise<{ readonly exitCode: number }>;
  /** Sets the size of its terminal; only asked where it has one. */
  readonly resize: (size: TerminalSize) => void;
}

export class ContainerConsole {
  readonly #options: ConsoleOptions;
  readonly #attached: Readonly<Record<LogStream, Set<PassThrough>>> = { stdout: new Set(), stderr: new Set() };
  readonly #stdinOnce: boolean;
  #waits = true;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    // A terminal's input has no end: who left can come back and go on with the same shell, as upstream.
    this.#stdinOnce = options.stdinOnce === true && options.tty !== true;
    this.#carry(options.stdout, 'stdout');
    this.#carry(options.stderr, 'stderr');
    options.stdin?.on('error', () => options.stdin?.destroy());
    void options.exited.then(() => {
      options.stdin?.destroy();
      for (const stream of [...this.#attached.stdout, ...this.#attached.stderr]) stream.end();
    });
  }

  attach({ stdin: wanted }: { readonly stdin: boolean }): OpenStreams {
    const { exited, tty = false } = this.#options;
    const stdout = this.#listen('stdout');
    const stderr = tty ? undefined : this.#listen('stderr');
    const stdin = wanted ? this.#input() : undefined;
    return {
      ...(stdin === undefined ? {} : { stdin }),
      stdout,
      ...(stderr === undefined ? {} : { stderr }),
      exited,
      resize: (size) => {
        if (tty) this.#options.resize(size);
      },
      hangUp: () => {
        // `stdinOnce`: whoever held the container's input is gone, and with them what it will ever get.
        if (this.#stdinOnce && stdin !== undefined) this.#options.stdin?.end();
        stdin?.destroy();
        stdout.destroy();
        stderr?.destroy();
      },
    };
  }

  /** The container has ended: what is left of its output waits for nobody any more. */
  drain(): void {
    this.#waits = false;
    this.#options.stdout.resume();
    this.#options.stderr.resume();
  }

  /** Everybody who is attached gets everything, and the slowest sets the pace of the container, as upstream. */
  #carry(source: Readable, name: LogStream): void {
    source.on('data', (chunk: Buffer) => {
      this.#options.output.write(name, chunk);
      const full = [...this.#attached[name]].filter((stream) => !stream.destroyed && !stream.write(chunk));
      if (full.length === 0 || !this.#waits) return;
      source.pause();
      let left = full.length;
      for (const stream of full) {
        const ready = (): void => {
          stream.off('drain', ready);
          stream.off('close', ready);
          left -= 1;
          if (left === 0) source.resume();
        };
        stream.on('drain', ready);
        stream.on('close', ready);
      }
    });
  }

  #listen(name: LogStream): PassThrough {
    const stream = new PassThrough();
    stream.on('error', () => {});
    this.#attached[name].add(stream);
    stream.once('close', () => this.#attached[name].delete(stream));
    return stream;
  }

  /** The container's input as one client's: its end is the container's only where that is asked for. */
  #input(): Writable | undefined {
    const { stdin } = this.#options;
    if (stdin === undefined || stdin.destroyed || stdin.writableEnded) return undefined;
    const input = new Writable({
      write: (chunk, _encoding, done) => {
        // Input that nobody takes any more is lost, and that is no failure of the client's.
        if (stdin.destroyed || stdin.writableEnded) return done();
        stdin.write(chunk, () => done());
      },
      final: (done) => {
        if (this.#stdinOnce) stdin.end();
        done();
      },
    });
    input.on('error', () => {});
    return input;
  }
}
