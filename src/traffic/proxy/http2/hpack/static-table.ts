// The fields that HPACK numbers from 1 to 61 (RFC 7541, appendix A).
// Knows nothing of the dynamic table behind them.

import { Field } from './field.ts';

const rows = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split('\n');

/** By index; the first place is empty. */
export const staticTable: readonly Field[] = [
  new Field('', ''),
  ...rows.map((row) => {
    const space = row.indexOf(' ');
    return space < 0 ? new Field(row, '') : new Field(row.slice(0, space), row.slice(space + 1));
  }),
];

/** The lowest index by name. */
export const staticNames: ReadonlyMap<string, number> = new Map(
  staticTable
    .map((field, index): [string, number] => [field.name, index])
    .slice(1)
    .reverse(),
);
