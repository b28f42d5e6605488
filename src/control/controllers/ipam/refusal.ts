// Why a Service has no address, or not the one it asks for: a reason for each cause, in words that say what to do.
// Data only.

export type RefusalReason =
  /** Somebody else has the address and shares with nobody, or this Service does not. */
  | 'AddressInUse'
  | 'AddressNotInPool'
  /** Two places of the Service ask for different addresses. */
  | 'ConflictingRequests'
  | 'FamilyMismatch'
  | 'InvalidRequest'
  | 'NoAddressPool'
  | 'NoClusterIP'
  /** There are pools, and none of them is for this Service. */
  | 'NoEligiblePool'
  /** The pools for this Service have no range of one of its families. */
  | 'NoPoolOfFamily'
  | 'NotDualStack'
  | 'PoolExhausted'
  | 'PoolMismatch'
  | 'PoolNotAllowed'
  | 'PoolNotFound'
  | 'PortConflict'
  | 'SharingKeyMismatch'
  | 'SharingPolicyConflict'
  /** It keeps an address that no pool holds any more. */
  | 'StaleAddress';

export interface Refusal {
  readonly reason: RefusalReason;
  /** Sentence case; names the values and the remedy. */
  readonly message: string;
}

export function refusal(reason: RefusalReason, message: string): Refusal {
  return { reason, message };
}
