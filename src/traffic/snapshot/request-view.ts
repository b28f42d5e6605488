// What a route may ask of a request: read in place, and only by routes that have conditions.
// Knows no protocol: they bring their own heads.

export interface RequestView {
  /** As sent: methods are case-sensitive. */
  readonly method: string;
  /** Value of a header, its name in lower case; several lines joined with `, `; undefined when there is none. */
  header(name: string): string | undefined;
  /** Value of the first query parameter of this name, decoded; undefined when there is none. */
  query(name: string): string | undefined;
}

/** A GET that says nothing else. */
export const bareRequest: RequestView = { method: 'GET', header: () => undefined, query: () => undefined };
