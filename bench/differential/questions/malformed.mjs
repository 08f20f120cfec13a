// Questions that are wrong, or right in a way that is easy to get wrong. Most are listed in malformed.txt, under
// `# topic: METHOD start-of-the-path`; for a POST or PUT the entry is the body, else the rest of the path.
import { post } from './parts.mjs';
import { sections } from './sections.mjs';

function listed({ heading, entries }) {
  const [, topic, method, start] = /^([^:]+): ([A-Z]+) ?(.*)$/.exec(heading);
  if (start && (method === 'POST' || method === 'PUT')) {
    return entries.map(body => ({ topic, ...post(start, body), method }));
  }
  const paths = entries.length ? entries : [''];
  return paths.map(rest => ({ topic, method, path: start + rest }));
}

const POSTS = [
  '/entities/by-query',
  '/entity-facets',
  '/entities/by-refs',
  '/validate-entity',
  '/refresh',
  '/locations/by-query',
  '/locations?dryRun=true',
  '/analyze-location',
];
const BODIES = [
  '',
  ' ',
  '{',
  '}',
  'null',
  'true',
  '1',
  '"text"',
  '[]',
  '[1]',
  '{}',
  '{"a":1,}',
  "{'a':1}",
  '{"a":NaN}',
  '{"limit":01}',
  '\ufeff{}',
  '{"a":"\\ud800"}',
  '{"a":1}{"b":2}',
  '{"a":1} x',
  'limit=1',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{}}}',
];
const CONTENT_TYPES = [
  undefined,
  'text/plain',
  'application/json; charset=utf-8',
  'application/JSON',
  'application/json; charset=latin1',
  'application/x-www-form-urlencoded',
  'application/vnd.api+json',
  'json',
  '',
  'application/json, text/plain',
  'multipart/form-data',
];

function typed(path, type) {
  const body = path === '/entities/by-query' ? { limit: 0 } : path === '/entity-facets' ? { facets: ['no.such'] } : {};
  const headers = type === undefined ? {} : { 'content-type': type };
  return { topic: 'content types', method: 'POST', path, headers, body: JSON.stringify(body) };
}

const nested = (depth, inner) => (depth === 0 ? inner : { $not: nested(depth - 1, inner) });
const numbered = (count, make) => Array.from({ length: count }, (_, i) => make(i));

const large = () =>
  [
    post('/entities/by-query', { query: nested(20, { kind: 'user' }), limit: 0 }),
    post('/entities/by-query', { query: { $any: numbered(200, i => ({ 'metadata.name': `n${i}` })) }, limit: 0 }),
    post('/entities/by-query', { query: { 'metadata.name': { $in: numbered(2000, i => `n${i}`) } }, limit: 0 }),
    post('/entities/by-refs', { entityRefs: ['x'.repeat(110_000)] }),
    post('/entities/by-query', { fields: ['x'.repeat(102_500)] }),
    { path: `/entities/by-query?limit=0&filter=${numbered(100, i => `k${i}=v`).join(',')}` },
    { path: `/entities/by-query?cursor=${'A'.repeat(3000)}` },
    { path: `/entities/by-name/component/default/${'x'.repeat(2000)}` },
  ].map(question => ({ topic: 'large', ...question }));

const headers = () =>
  [{ 'content-type': 'text/plain' }, { accept: 'text/html' }, { accept: 'application/xml;q=0' }].map(given => ({
    topic: 'methods',
    path: '/entities/by-query?limit=0',
    headers: given,
  }));

function shaped(question) {
  if (question.path.startsWith('/entities/by-query')) return { ...question, shape: 'page' };
  const lists = /^\/+entities\/?(\?|$)/i.test(question.path) && (question.method ?? 'GET') === 'GET';
  return lists ? { ...question, shape: 'list' } : question;
}

export const malformed = () =>
  [
    ...sections('malformed.txt').flatMap(listed),
    ...POSTS.flatMap(path => BODIES.map(body => ({ topic: 'bodies', ...post(path, body) }))),
    ...POSTS.flatMap(path => CONTENT_TYPES.map(type => typed(path, type))),
    ...['', '/entity-facets'].map(path => ({ topic: 'paths', path })),
    ...large(),
    ...headers(),
  ].map(shaped);
