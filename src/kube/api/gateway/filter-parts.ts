// Filters of routes, and the matches on headers and parameters, as HTTPRoute and GRPCRoute have them.
// Data only; what they do to a request is traffic/model/gateway's and the engine's matter.
import { backendObject } from './route-parts.ts';
import {
  ATOMIC,
  groupName,
  headerName,
  headerValue,
  integer,
  kindName,
  list,
  mapOf,
  named,
  object,
  oneOf,
  oneOfWithDefault,
  portNumber,
  preciseHostname,
  rules,
  type SchemaNode,
  SET,
  text,
} from './schema-parts.ts';

const headerList = (about: string): SchemaNode =>
  list(
    about,
    object(
      'A header.',
      { name: headerName('Name, in any case.'), value: headerValue('Value.') },
      { required: ['name', 'value'] },
    ),
    { maxItems: 16, ...mapOf('name') },
  );

const headerModifier = (about: string): SchemaNode =>
  object(about, {
    set: headerList('Put in place of what was there.'),
    add: headerList('Added to what is there.'),
    remove: list('Names of headers to take away.', { type: 'string' }, { maxItems: 16, ...SET }),
  });

const pathModifier: SchemaNode = object(
  'Another path.',
  {
    type: oneOf('What is replaced.', 'ReplaceFullPath', 'ReplacePrefixMatch'),
    replaceFullPath: text('In place of the whole path.', { maxLength: 1024 }),
    replacePrefixMatch: text('In place of the prefix that matched.', { maxLength: 1024 }),
  },
  {
    required: ['type'],
    ...rules(
      ...(['replaceFullPath', 'replacePrefixMatch'] as const).flatMap((field) => {
        const type = field.charAt(0).toUpperCase() + field.slice(1);
        return [
          [`self.type != '${type}' || has(self.${field})`, `${field} must be specified when type is set to '${type}'`],
          [`!has(self.${field}) || self.type == '${type}'`, `type must be '${type}' when ${field} is set`],
        ] as const;
      }),
    ),
  },
);

const alone = (what: string, field: string) =>
  rules([`!('*' in self) || self.size() == 1`, `${field} cannot contain '*' alongside other ${what}`]);

const cors: SchemaNode = object('Lets pages of other origins in.', {
  allowOrigins: list(
    'Origins that may.',
    text('An origin, one with a wildcard, or *.', {
      minLength: 1,
      maxLength: 253,
      pattern: '(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)',
    }),
    { maxItems: 64, ...SET, ...alone('origins', 'AllowOrigins') },
  ),
  allowCredentials: { type: 'boolean', description: 'Whether cookies and the like may come along.' },
  allowMethods: list(
    'Methods that may be used.',
    oneOf('A method, or *.', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', '*'),
    { maxItems: 9, ...SET, ...alone('methods', 'AllowMethods') },
  ),
  allowHeaders: list('Headers that may be sent.', headerName('A header, or *.'), {
    maxItems: 64,
    ...SET,
    ...alone('headers', 'AllowHeaders'),
  }),
  exposeHeaders: list('Headers that a page may read.', headerName('A header, or *.'), { maxItems: 64, ...SET }),
  maxAge: integer('Seconds that a browser may remember the answer.', { format: 'int32', default: 5, minimum: 1 }),
});

const names = (about: string): SchemaNode => list(about, { type: 'string' }, { maxItems: 64, ...SET });

const externalAuth: SchemaNode = object(
  'Asks somebody else whether a request may pass.',
  {
    protocol: oneOf('How it is asked.', 'HTTP', 'GRPC'),
    backendRef: backendObject('Who is asked.'),
    grpc: object('Of the question by gRPC.', { allowedHeaders: names('Headers that are sent along.') }),
    http: object('Of the question by HTTP.', {
      path: text('Put ahead of the path of the request.', {
        maxLength: 1024,
        pattern: "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$",
      }),
      allowedHeaders: names('Headers that are sent along.'),
      allowedResponseHeaders: names('Headers of the answer that the backend gets.'),
    }),
    forwardBody: object('Whether the body is sent along.', { maxSize: integer('Most bytes of it.') }),
  },
  {
    required: ['backendRef', 'protocol'],
    ...rules(
      ...(['grpc', 'http'] as const).flatMap((field) => {
        const protocol = field.toUpperCase();
        return [
          [
            `self.protocol != '${protocol}' || has(self.${field})`,
            `${field} must be specified when protocol is set to '${protocol}'`,
          ],
          [
            `!has(self.${field}) || self.protocol == '${protocol}'`,
            `protocol must be '${protocol}' when ${field} is set`,
          ],
        ] as const;
      }),
    ),
  },
);

const STATUSES = [301, 302, 303, 307, 308] as unknown as string[];

const settings: Record<string, SchemaNode> = {
  RequestHeaderModifier: headerModifier('Edits the headers of requests.'),
  ResponseHeaderModifier: headerModifier('Edits the headers of responses.'),
  RequestMirror: object(
    'Sends a copy of requests elsewhere; its answers are ignored.',
    {
      backendRef: backendObject('Who gets the copy.'),
      percent: integer('Of how many in a hundred requests.', { format: 'int32', minimum: 0, maximum: 100 }),
      fraction: object(
        'Of which part of the requests.',
        {
          numerator: integer('Of so many.', { format: 'int32', minimum: 0 }),
          denominator: integer('Out of so many.', { format: 'int32', default: 100, minimum: 1 }),
        },
        {
          required: ['numerator'],
          ...rules(['self.numerator <= self.denominator', 'numerator must be less than or equal to denominator']),
        },
      ),
    },
    {
      required: ['backendRef'],
      ...rules([
        '!has(self.percent) || !has(self.fraction)',
        'Only one of percent or fraction may be specified in HTTPRequestMirrorFilter',
      ]),
    },
  ),
  RequestRedirect: object('Answers with another place to ask.', {
    scheme: oneOf('Scheme of that place.', 'http', 'https'),
    hostname: preciseHostname('Host of that place.'),
    path: pathModifier,
    port: portNumber('Port of that place.'),
    statusCode: { type: 'integer', description: 'Status of the answer.', default: 302, enum: STATUSES },
  }),
  URLRewrite: object('Changes what the backend is asked for.', {
    hostname: preciseHostname('Host that the backend sees.'),
    path: pathModifier,
  }),
  ExtensionRef: object(
    'A filter of somebody else.',
    {
      group: groupName('API group of the filter.'),
      kind: kindName('Kind of the filter.'),
      name: named('Name of the filter.'),
    },
    { required: ['group', 'kind', 'name'] },
  ),
  CORS: cors,
  ExternalAuth: externalAuth,
};

/** The field in which the settings of a type of filter stand. */
function fieldOf(type: string): string {
  if (type === 'CORS') return 'cors';
  if (type === 'URLRewrite') return 'urlRewrite';
  return type.charAt(0).toLowerCase() + type.slice(1);
}

const NEVER_TWICE = ['CORS', 'RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite'];

/** A list of filters of these types, each with its settings and no others. */
export function filters(types: readonly string[]): SchemaNode {
  const fields = types.map((type) => [fieldOf(type), settings[type] as SchemaNode] as const);
  const one = object(
    'Something done to each request or response.',
    { type: oneOf('What is done.', ...types), ...Object.fromEntries(fields) },
    {
      required: ['type'],
      ...rules(
        ...types.flatMap((type) => {
          const field = fieldOf(type);
          return [
            [
              `self.type == '${type}' || !has(self.${field})`,
              `filter.${field} must be nil if the filter.type is not ${type}`,
            ],
            [
              `self.type != '${type}' || has(self.${field})`,
              `filter.${field} must be specified for ${type} filter.type`,
            ],
          ] as const;
        }),
      ),
    },
  );
  const both = types.includes('RequestRedirect')
    ? [
        [
          "!self.exists(f, f.type == 'RequestRedirect') || !self.exists(f, f.type == 'URLRewrite')",
          'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both',
        ] as const,
      ]
    : [];
  return list('What is done to requests and responses.', one, {
    maxItems: 16,
    ...ATOMIC,
    ...rules(
      ...both,
      ...NEVER_TWICE.filter((type) => types.includes(type)).map(
        (type) => [`self.filter(f, f.type == '${type}').size() < 2`, `${type} filter cannot be repeated`] as const,
      ),
    ),
  });
}

export const matchType: SchemaNode = oneOfWithDefault('How it is compared.', 'Exact', 'Exact', 'RegularExpression');

export const headerMatches = (value: SchemaNode): SchemaNode =>
  list(
    'Headers that a request must have, all of them.',
    object(
      'A header.',
      { type: matchType, name: headerName('Name, in any case.'), value },
      { required: ['name', 'value'] },
    ),
    { maxItems: 16, ...mapOf('name') },
  );
