// Conditions as the Gateway API words them, before it is known since when they hold.
// Knows no object; who writes a condition keeps the time at which its status last changed.
import type { Condition } from '#kube/api/gateway/types.ts';

/** Name of this controller in GatewayClasses and in statuses. */
export const GATEWAY_CONTROLLER = 'evenkeel.dev/gateway-controller';

/** What is wrong, for programs and for people. */
export interface Fault {
  readonly reason: string;
  /** Sentence case; names the values and the remedy. */
  readonly message: string;
}

/** The same, with the field that is to blame ahead of it. */
export function faultAt(field: string, { reason, message }: Fault): Fault {
  return { reason, message: `${field}: ${message}` };
}

/** Conditions hold this many characters. */
const MOST = 32_000;

export function condition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  generation: number | undefined,
): Condition {
  const text = message.length > MOST ? `${message.slice(0, MOST)} ...` : message;
  return {
    type,
    status,
    reason,
    message: text,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

/** True with `good` as reason, or False with what is wrong. */
export function holds(
  type: string,
  fault: Fault | undefined,
  good: string,
  message: string,
  generation: number | undefined,
): Condition {
  if (fault === undefined) return condition(type, 'True', good, message, generation);
  return condition(type, 'False', fault.reason, fault.message, generation);
}

/** Of several faults the first gives the reason, and all are told. */
export function together(faults: readonly Fault[]): Fault | undefined {
  const [first] = faults;
  if (first === undefined) return undefined;
  return { reason: first.reason, message: [...new Set(faults.map(({ message }) => message))].join('; ') };
}
