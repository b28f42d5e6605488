// What a CNI plugin says when it fails: a code, a message, details; and what is said for one that says nothing.
// Knows the codes of the specification only.

/** Codes that the specification gives a meaning to. */
export const CniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  /** STATUS: no ADD can be served. */
  notAvailable: 50,
  /** STATUS: nor do existing containers reach everything. */
  limitedConnectivity: 51,
  /** Ours: the plugin gave no reason that the specification knows. */
  internal: 999,
} as const;

export class CniError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(code: number, msg: string, details = '') {
    super(details === '' ? msg : `${msg}; ${details}`);
    this.code = code;
    this.details = details;
  }
}

/** What a plugin that ended with a failure printed, as an error. */
export function cniErrorOf(stdout: string, stderr: string): CniError {
  const last = stderr.trim();
  try {
    const { code, msg, details } = JSON.parse(stdout) as { code?: unknown; msg?: unknown; details?: unknown };
    if (typeof msg === 'string' || typeof code === 'number') {
      return new CniError(
        typeof code === 'number' ? code : CniCode.internal,
        typeof msg === 'string' && msg !== '' ? msg : `plugin ended with code ${String(code)} and no message`,
        typeof details === 'string' ? details : '',
      );
    }
  } catch {
    // It printed no JSON: what it did print is all there is to tell.
  }
  const said = stdout.trim();
  if (said === '' && last === '') return new CniError(CniCode.internal, 'netplugin failed with no error message');
  return new CniError(CniCode.internal, `netplugin failed: ${JSON.stringify(said === '' ? last : said)}`);
}
