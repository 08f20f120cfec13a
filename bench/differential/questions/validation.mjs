// Entities for /validate-entity: good ones of every kind, and the same with one thing changed. What a field is changed
// to is listed in entity-values.txt under `# field` (of any kind) or `# Kind field`, as JSON or the word `absent`.
import { post } from './parts.mjs';
import { sections } from './sections.mjs';

const VERSION = 'backstage.io/v1alpha1';
const LOCATION = 'url:https://x.example.com/y';
const good = (kind, metadata, spec) => ({ apiVersion: VERSION, kind, metadata: { name: 'ok', ...metadata }, spec });
const GOOD = [
  good(
    'Component',
    {},
    {
      type: 'service',
      lifecycle: 'production',
      owner: 'x',
      dependsOn: ['resource:a'],
      providesApis: ['a'],
      consumesApis: ['b'],
      subcomponentOf: 'c',
      system: 's',
      dependencyOf: ['component:z'],
    },
  ),
  good(
    'API',
    { tags: ['a'] },
    { type: 'openapi', lifecycle: 'production', owner: 'x', definition: 'text', system: 's' },
  ),
  good('Resource', { labels: { a: 'b' } }, { type: 'bucket', owner: 'x', dependsOn: ['component:y'] }),
  good('System', { annotations: { 'a.b/c': 'd' } }, { owner: 'x', domain: 'd' }),
  good('Domain', { links: [{ url: 'https://example.com' }] }, { owner: 'x', subdomainOf: 'y' }),
  good(
    'Group',
    { title: 'T' },
    {
      type: 'team',
      children: [],
      parent: 'p',
      members: ['m'],
      profile: { displayName: 'D', email: 'e@example.com' },
    },
  ),
  good('User', { description: 'd' }, { memberOf: ['g'], profile: { displayName: 'D' } }),
  good('Location', { namespace: 'ns' }, {}),
];
const ANYTHING = ['', ' ', 1, true, null, [], {}, ['a'], 'x y', [1]];

/** A copy of `entity` with one field set; `undefined` takes the field away. */
function changed(entity, field, value) {
  const copy = structuredClone(entity);
  const path = field.split('.');
  const last = path.pop();
  const parent = path.reduce((node, key) => (node[key] ??= {}), copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

function listed({ heading, entries }, rng) {
  const [field, kind] = heading.split(' ').reverse();
  return entries.map(entry => {
    const entity = kind ? GOOD.find(e => e.kind === kind) : rng.pick(GOOD);
    return changed(entity, field, entry === 'absent' ? undefined : JSON.parse(entry));
  });
}

function everyField(entity, rng) {
  return Object.keys(entity.spec).flatMap(name => {
    const field = `spec.${name}`;
    return [changed(entity, field), ...rng.sample(ANYTHING, 4).map(value => changed(entity, field, value))];
  });
}

const several = () => [
  changed(
    changed(changed(changed(GOOD[0], 'metadata.name', 'bad name'), 'metadata.tags', ['B']), 'metadata.labels', {
      'a b': 'c',
    }),
    'spec',
    {},
  ),
  changed(GOOD[1], 'spec', { type: 'mcp-server', lifecycle: 'x', owner: 'y' }),
  changed(GOOD[1], 'spec', {
    type: 'mcp-server',
    lifecycle: 'x',
    owner: 'y',
    remotes: [{ type: 'sse', url: 'https://example.com' }],
  }),
  changed(GOOD[0], 'spec.type', 'a\ud800b'),
];

const LOCATIONS = [
  1,
  null,
  '',
  'url',
  'url:',
  ':x',
  'file:/x',
  'URL:https://x.example.com',
  'url:x',
  'https://x.example.com',
  'url: https://x.example.com',
];
const bodies = () => [
  {},
  [],
  null,
  'x',
  { entity: GOOD[0] },
  { location: LOCATION },
  { entity: GOOD[0], location: LOCATION, more: 1 },
  ...['x', null, [], {}, 1].map(entity => ({ entity, location: LOCATION })),
  ...LOCATIONS.map(location => ({ entity: GOOD[0], location })),
];

export function validation(rng) {
  const entities = [
    ...GOOD,
    ...GOOD.map(entity => changed(entity, 'apiVersion', 'backstage.io/v1beta1')),
    ...GOOD.map(entity => changed(entity, 'spec.more', { any: ['thing'] })),
    ...GOOD.flatMap(entity => [undefined, null, {}, [], 'x', 1].map(spec => changed(entity, 'spec', spec))),
    ...GOOD.flatMap(entity => everyField(entity, rng)),
    ...sections('entity-values.txt').flatMap(section => listed(section, rng)),
    ...several(),
  ];
  return [...entities.map(entity => ({ entity, location: LOCATION })), ...bodies()].map(body => ({
    topic: 'validate-entity',
    ...post('/validate-entity', body),
  }));
}
