// How a remote command ended, in the words of its error stream.
// Pure; the shape is that of `metav1.Status`.

export type Outcome = { readonly exitCode: number } | { readonly failure: string };

/** Version 4 and later: always a Status. Before: nothing after a success, the message otherwise. */
export function encodeOutcome(outcome: Outcome, version: number): string {
  const status = statusOf(outcome);
  if (version >= 4) return JSON.stringify(status);
  return status.status === 'Success' ? '' : status.message;
}

function statusOf(outcome: Outcome) {
  if ('failure' in outcome) {
    return {
      metadata: {},
      status: 'Failure',
      message: `Internal error occurred: ${outcome.failure}`,
      reason: 'InternalError',
      details: { causes: [{ message: outcome.failure }] },
      code: 500,
    };
  }
  const { exitCode } = outcome;
  if (exitCode === 0) return { metadata: {}, status: 'Success', message: '' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
