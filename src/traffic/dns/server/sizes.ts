// How large answers may be.
// Numbers alone.

/** Bytes of a datagram for clients that do not say how many they take (RFC 1035, 4.2.1). */
export const PLAIN_UDP_SIZE = 512;
/** The most that a datagram carries, whatever a client says. */
export const MAX_UDP_SIZE = 4096;
