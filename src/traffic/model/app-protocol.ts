// What the port of a Service says that it speaks, in the form in which names are compared.
// Knows one field; which of the names anybody serves is for its readers.

/** Names of IANA have no case (RFC 6335, section 5.1), so that `HTTPS` is `https`; those with a prefix are taken as written. Empty where it says nothing. */
export function appProtocolOf({ appProtocol = '' }: { readonly appProtocol?: string }): string {
  return appProtocol.includes('/') ? appProtocol : appProtocol.toLowerCase();
}
