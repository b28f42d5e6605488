// A failure that a person can act on: what went wrong, and what helps.
// Knows no command; the CLI prints it, and decides the exit code.

export class Failure extends Error {
  /** One sentence: what to do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Failure';
    this.remedy = remedy;
  }
}

/** The command line itself is wrong; ends with exit code 2. */
export class UsageFailure extends Failure {
  constructor(message: string, remedy: string) {
    super(message, remedy);
    this.name = 'UsageFailure';
  }
}

/** Text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node.js system error, e.g. `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
