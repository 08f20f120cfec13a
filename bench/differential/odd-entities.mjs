#!/usr/bin/env node
// Prints a small catalog of unusual but valid entities, one JSON document per line, the same on every run:
//   node odd-entities.mjs > entities-odd.jsonl
// It exists to be loaded both into a Backstage catalog and into ours, so every entity passes the entity
// policies of Backstage. Kinds outside the built-in set need a processor there that accepts them.
import { Random } from './random.mjs';

const rng = new Random(20261128);
const LINE_SEPARATOR = String.fromCharCode(0x2028);
const NAMESPACES = [undefined, 'default', 'team-a', 'team-b', 'x', '0-9', 'a--b', 'production'];
const WORDS = [
  'alpha',
  'Beta',
  'GAMMA',
  'delta',
  'Straße',
  'İstanbul',
  'ΣΊΣΥΦΟΣ',
  'naïve',
  '日本語',
  '😀smile',
  'ﬁne',
  'ǅ',
  'zeta',
  'Omega',
];
const TAGS = ['java', 'c++', 'c#', 'a:b', 'x-y-z', '0', 'go', 'tier-1', '#hash', 'true', 'null'];
const LANGUAGES = [
  'Java',
  'java',
  'JAVA',
  'Go',
  'go',
  'C++',
  'node.js',
  'Node.JS',
  'İ',
  'ß',
  'ẞ',
  'a=b',
  'a,b',
  ' padded ',
  '',
];
const NUMBERS = [
  0, -0, 1, -1, 0.1, 1e21, 1e-7, 1e20, 123456789012345680000, 9007199254740993, 1.5, 100, -2.5e-10, 5e-324,
  1.7976931348623157e308,
];
const WORLD = `line one${LINE_SEPARATOR}line two`;

/** A value whose length in UTF-16 units is exactly `units`. */
const long = (units, fill = 'v') => fill.repeat(Math.ceil(units / fill.length)).slice(0, units);
const entities = [];
const seen = new Set();

function add(kind, name, metadata = {}, spec, apiVersion = 'backstage.io/v1alpha1') {
  const reference = `${kind}:${metadata.namespace ?? 'default'}/${name}`.toLowerCase();
  if (seen.has(reference)) throw new Error(`two entities ${reference}`);
  seen.add(reference);
  const location = `odd:catalog/${name}`;
  const annotations = {
    'backstage.io/managed-by-location': location,
    'backstage.io/managed-by-origin-location': location,
    ...metadata.annotations,
  };
  const entity = { apiVersion, kind, metadata: { name, ...metadata, annotations } };
  if (entity.metadata.namespace === undefined) delete entity.metadata.namespace;
  if (spec !== undefined) entity.spec = spec;
  entities.push(entity);
  return entity;
}

const owner = () =>
  rng.pick([
    'platform',
    'group:default/platform',
    'Group:Default/Platform',
    'group:team-a/readers',
    'user:guest',
    'user:default/Ada.Lovelace',
    'nobody',
    'team-a/missing',
  ]);

// People: a tree of groups, groups that list members, users of several groups, targets that do not exist.
add(
  'Group',
  'platform',
  { title: 'Platform' },
  { type: 'department', profile: { displayName: 'Platform ☂' }, children: ['Readers', 'team-a/readers', 'ghosts'] },
);
add(
  'Group',
  'Readers',
  {},
  { type: 'team', parent: 'platform', children: [], members: ['guest', 'Ada.Lovelace', 'team-a/bob', 'guest'] },
);
add(
  'Group',
  'readers',
  { namespace: 'team-a' },
  { type: 'Team', parent: 'default/platform', children: [], profile: {} },
);
add('Group', 'UPPER_CASE', { namespace: 'team-a' }, { type: 'TEAM', children: ['readers'] });
add('Group', 'no.parent-1', { namespace: 'x' }, { type: 'team', parent: 'missing-parent', children: [] });
add('User', 'guest', {}, { memberOf: [] });
add(
  'User',
  'Ada.Lovelace',
  { title: 'Ada' },
  {
    profile: { displayName: 'Ada Lovelace', email: 'ADA@Example.com', picture: 'https://example.com/a.png' },
    memberOf: ['platform', 'Readers', 'group:team-a/readers'],
  },
);
add(
  'User',
  'bob',
  { namespace: 'team-a' },
  { memberOf: ['readers', 'group:default/platform', 'readers'], profile: { displayName: 'Bob' } },
);
add('User', '0', {}, { memberOf: ['zz', 'Aa', 'aa', 'B'] });
for (let i = 0; i < 24; i++) {
  add(
    'User',
    `${rng.pick(['u', 'U', 'x_y', 'a.b'])}-${i}`,
    { namespace: rng.pick(NAMESPACES), ...(i % 3 ? { title: rng.pick(WORDS) } : {}) },
    {
      memberOf: rng.sample(['platform', 'readers', 'Readers', 'team-a/readers', 'ghosts'], rng.below(4)),
      ...(i % 2 ? { profile: { displayName: rng.pick(WORDS), email: `u${i}@example.com` } } : {}),
    },
  );
}

// Domains within domains, systems of domains, references with and without kind and namespace.
add('Domain', 'root', {}, { owner: 'platform', type: 'Area' });
add('Domain', 'Sub.Domain', {}, { owner: 'nobody', subdomainOf: 'root' });
add('Domain', 'sub-sub', { namespace: 'team-b' }, { owner: 'user:default/guest', subdomainOf: 'default/sub.domain' });
for (let i = 0; i < 14; i++) {
  add(
    'System',
    `sys-${i}${i % 4 === 0 ? '.Dotted' : ''}`,
    { namespace: rng.pick(NAMESPACES), tags: rng.sample(TAGS, rng.below(4)) },
    {
      owner: owner(),
      ...(i % 3
        ? { domain: rng.pick(['root', 'default/Sub.Domain', 'team-b/sub-sub', 'domain:default/nowhere']) }
        : {}),
      ...(i % 5 ? {} : { type: rng.pick(['product', 'Product', 'PRODUCT']) }),
    },
  );
}

// APIs; definitions beyond the longest value that is indexed.
for (let i = 0; i < 26; i++) {
  add(
    'API',
    `api_${i}`,
    { namespace: rng.pick(NAMESPACES), description: rng.pick(WORDS), tags: rng.sample(TAGS, rng.below(3)) },
    {
      type: rng.pick(['openapi', 'OpenAPI', 'grpc', 'graphql']),
      lifecycle: rng.pick(['production', 'Production', 'experimental', 'deprecated']),
      owner: owner(),
      definition: rng.pick([
        'short',
        long(199),
        long(200),
        long(201),
        long(2000, 'definition '),
        `${long(199)}😀`,
        long(200, '😀'),
        long(202, '😀'),
        '{"openapi":"3.1.0"}',
        `a${LINE_SEPARATOR}b`,
      ]),
      ...(i % 2 ? { system: rng.pick(['sys-1', 'default/sys-2', 'system:default/sys-3', 'absent']) } : {}),
    },
  );
}

// Components and resources that refer to one another, to themselves, twice, and to nothing.
for (let i = 0; i < 90; i++) {
  const namespace = rng.pick(NAMESPACES);
  const references = () =>
    rng.sample(
      [
        'component:default/c-1',
        'Component:c-2',
        'resource:res_3',
        'resource:team-a/Res.4',
        'api:default/api_1',
        'component:gone/away',
        'widget:w-1',
        'component:default/C-1',
      ],
      rng.below(5),
    );
  add(
    'Component',
    `${rng.pick(['c', 'C', 'c.c', 'c_c'])}-${i}`,
    {
      namespace,
      ...(i % 2 ? { title: `${rng.pick(WORDS)} ${rng.pick(WORDS)}` } : {}),
      ...(i % 3
        ? {
            description: rng.pick([
              WORLD,
              '',
              ' ',
              'tab\there',
              '100%',
              'under_score',
              'back\\slash',
              'quote " and \' here',
              rng.pick(WORDS),
              long(200),
              long(201),
            ]),
          }
        : {}),
      ...(i % 4
        ? {
            labels: rng.pick([
              {},
              { tier: '1' },
              { tier: '', 'example.com/Env': 'Prod' },
              { language: 'Java', 'a.b/c.d': 'x' },
            ]),
          }
        : {}),
      ...(i % 5 ? { tags: rng.sample(TAGS, rng.below(5)) } : {}),
      ...(i % 6
        ? {
            links: rng.sample(
              [
                { url: 'https://example.com/A' },
                { url: 'https://example.com/b', title: 'B', icon: 'Cloud' },
                { url: 'mailto:x@example.com', title: 'Mail', type: 'mail' },
              ],
              rng.below(3),
            ),
          }
        : {}),
      ...(i % 11 === 0 ? { etag: `given-${i}` } : {}),
      ...(i % 7 === 0
        ? {
            annotations: {
              'example.com/empty': '',
              'example.com/json': '{"a":[1]}',
              'example.com/Upper': 'ÄÖÜ',
              plain: `v${i % 3}`,
            },
          }
        : {}),
    },
    {
      type: rng.pick(['service', 'Service', 'SERVICE', 'library', 'website']),
      lifecycle: rng.pick(['production', 'experimental', 'Deprecated']),
      owner: owner(),
      ...(i % 2 ? { system: rng.pick(['sys-1', 'default/sys-0.dotted', 'system:x/sys-9']) } : {}),
      ...(i % 3 ? { dependsOn: references() } : {}),
      ...(i % 4 ? {} : { dependencyOf: references() }),
      ...(i % 5
        ? { providesApis: rng.sample(['api_1', 'API_2', 'default/api_3', 'team-a/api_4', 'nope'], rng.below(4)) }
        : {}),
      ...(i % 6 ? { consumesApis: rng.sample(['api_9', 'api_8', 'api:api_7', 'Api:x/api_6'], rng.below(4)) } : {}),
      ...(i % 8 ? {} : { subcomponentOf: rng.pick(['c-1', 'component:default/c-2', `c-${i}`]) }),
      languages: rng.sample(LANGUAGES, rng.below(6)),
      rank: rng.pick(NUMBERS),
    },
  );
}
for (let i = 0; i < 40; i++) {
  add(
    'Resource',
    `${rng.pick(['res_', 'Res.', 'r-', 'R'])}${i}`,
    { namespace: rng.pick(NAMESPACES), tags: rng.sample(TAGS, rng.below(3)) },
    {
      type: rng.pick(['bucket', 'Bucket', 'queue', 'table']),
      owner: owner(),
      ...(i % 2
        ? {
            dependsOn: rng.sample(
              ['resource:res_1', 'resource:Res.2', 'component:c-1', 'resource:team-a/r-3'],
              rng.below(4),
            ),
          }
        : {}),
      ...(i % 3 ? { dependencyOf: rng.sample(['component:c-5', 'component:C-6'], rng.below(3)) } : {}),
      ...(i % 4 ? { system: 'sys-1' } : {}),
      size: rng.pick(NUMBERS),
    },
  );
}

// Values of every JSON type, empty containers, empty and long keys, nesting, in a kind of its own.
const SHAPES = [
  { emptyList: [], emptyObject: {}, emptyText: '', nothing: null, yes: true, no: false },
  { list: [[], {}, null, true, 1, 'One', [1, [2, ['three']]]], nested: { a: { b: { c: { d: 'Deep' } } } } },
  { '': 'under the empty key', a: { '': { '': 'twice' } }, '.': 'dot', 'a.b': 'dotted key' },
  { [long(194, 'k')]: 'key of 199', [long(195, 'q')]: 'key of 200', [long(196, 'z')]: 'key of 201' },
  {
    v199: long(199),
    v200: long(200),
    v201: long(201),
    e200: long(200, '😀'),
    e202: long(202, '😀'),
    i100: long(100, 'İ'),
    i101: long(101, 'İ'),
    i200: long(200, 'İ'),
  },
  {
    objects: [
      { name: 'One', on: true },
      { name: 'one', on: false },
      { name: 'Two', more: { deep: [1, 2, 2] } },
    ],
  },
  { repeated: ['a', 'A', 'a', 'b', 'B'], mixed: [1, '1', true, 'true', null, 'null'], spaces: [' ', '  ', '\t', '\n'] },
  { numbers: NUMBERS, n21: 1e21, n7: 1e-7, tenth: 0.1, big: 12345678901234567890, negativeZero: -0 },
  {
    status: 'green',
    statusItems: [{ level: 'error' }],
    attachments: { a: 1 },
    relations: [{ type: 'ownedBy', targetRef: 'group:default/platform' }],
    'metadata.etag': 'x',
    uid: 'not-a-uid',
  },
  {
    sigma: 'ΟΔΥΣΣΕΥΣ',
    sigmaMiddle: 'ΑΣΑ',
    dotted: 'İI',
    sharp: 'Straße',
    capitalSharp: 'STRAẞE',
    ligature: 'ﬁ',
    titlecase: 'ǅ',
    kelvin: 'K',
    cherokee: 'Ꭰꭰ',
    emoji: '👩‍👩‍👧‍👦',
    combining: 'é',
    separator: WORLD,
  },
  {
    length: 3,
    constructor: 'word',
    toString: 'text',
    hasOwnProperty: false,
    key: { length: 'x' },
    containers: [{ image: 'a' }, { image: 'b' }, 'plain'],
  },
  {
    percent: '100%',
    underscore: 'a_b',
    backslash: 'a\\b',
    wildcard: '%',
    quote: "it's",
    double: '"',
    comma: 'a,b',
    equals: 'a=b',
    plus: 'a+b',
    ampersand: 'a&b',
    slash: 'a/b',
    hash: '#',
    question: '?',
  },
];
for (let i = 0; i < 48; i++) {
  const kind = rng.pick(['Widget', 'widget', 'CamelThing', 'Template', 'Widget']);
  add(
    kind,
    `${kind[0].toLowerCase()}-${i}`,
    {
      namespace: rng.pick(NAMESPACES),
      ...(i % 2 ? { tags: rng.sample(TAGS, rng.below(3)) } : {}),
      ...(i % 5 === 0 ? { score: rng.pick(NUMBERS), flag: i % 2 === 0, extra: { Mixed: 'Case', list: [] } } : {}),
      ...(i % 12 === 3 ? { etag: `given-w${i}` } : {}),
    },
    {
      ...SHAPES[i % SHAPES.length],
      ...(i % 3 ? { owner: owner(), type: rng.pick(['service', 'form', 'Form']) } : {}),
      ...(kind === 'Template'
        ? {
            steps: [
              {
                id: 'fetch',
                action: 'fetch:template',
                input: { url: './x', values: { name: '${{ parameters.name }}' } },
              },
            ],
          }
        : {}),
    },
    rng.pick(['example.com/v1', 'backstage.io/v1alpha1', 'v1', 'scaffolder.backstage.io/v1beta3']),
  );
}
add('Widget', 'no-spec', {}, undefined, 'v1');
add('Widget', 'empty-spec', { labels: {}, tags: [], links: [] }, {}, 'v1');
add('CamelThing', 'a'.repeat(63), { namespace: 'n'.repeat(63), title: ' ' }, { text: '' }, 'v1');

// Locations without and with targets, and the annotations that a location of type url brings along.
add('Location', 'plain', {}, { type: 'odd' });
add('Location', 'one', {}, { type: 'odd', target: 'x' });
add(
  'Location',
  'Many.Targets',
  { namespace: 'team-a' },
  { type: 'odd', targets: ['b', 'a', 'B'], presence: 'optional' },
);
for (let i = 0; i < 20; i++) {
  const location = `url:https://git.example.com/odd/${i % 3}/blob/main/catalog-info.yaml`;
  add(
    'Component',
    `from-url-${i}`,
    {
      annotations: {
        'backstage.io/managed-by-location': location,
        'backstage.io/managed-by-origin-location': location,
      },
    },
    { type: 'service', lifecycle: 'production', owner: owner(), level: i % 4 },
    i % 2 ? 'backstage.io/v1alpha1' : 'backstage.io/v1beta1',
  );
}

process.stdout.write(entities.map(e => JSON.stringify(e).replaceAll(LINE_SEPARATOR, '\\u2028')).join('\n') + '\n');
