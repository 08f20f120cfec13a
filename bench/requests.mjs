#!/usr/bin/env node
// Writes the requests of every load scenario to files, one per line as METHOD, path and body with tabs between:
//   node requests.mjs ENTITIES.jsonl DIR
// Scenarios with parameters get 4,000 lines and at least 1,000 different ones. `byquery-filter`, `fulltext` and
// `facet-type-filtered` ask the same few questions over and over; their `wide-` forms vary everything.
import fs from 'node:fs';
import path from 'node:path';

const [source, directory] = process.argv.slice(2);
if (!directory) {
  console.error('usage: requests.mjs ENTITIES.jsonl DIR');
  process.exit(2);
}
fs.mkdirSync(directory, { recursive: true });

let state = 0x2545f491;
const below = bound => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % bound;
};
const pick = list => list[below(list.length)];

const references = [];
const names = { component: [], group: [], system: [] };
const seen = { type: new Map(), lifecycle: new Set(), tag: new Set() };
const words = new Set();
for (const line of fs.readFileSync(source, 'utf8').split('\n')) {
  if (!line) continue;
  const { kind, metadata, spec } = JSON.parse(line);
  references.push(`${kind}:${metadata.namespace ?? 'default'}/${metadata.name}`.toLowerCase());
  names[kind.toLowerCase()]?.push(metadata.name.toLowerCase());
  if (spec?.type && ['Component', 'Resource', 'API'].includes(kind))
    seen.type.set(kind, (seen.type.get(kind) ?? new Set()).add(spec.type));
  if (spec?.lifecycle) seen.lifecycle.add(spec.lifecycle);
  for (const tag of metadata.tags ?? []) seen.tag.add(tag);
  if (kind === 'Component')
    for (const word of metadata.name.toLowerCase().split(/[^a-z]+/)) if (word.length > 2) words.add(word);
}
const kinds = [...seen.type].map(([kind, types]) => [kind.toLowerCase(), [...types]]);
const lifecycles = [...seen.lifecycle];
const tags = [...seen.tag];
const components = references.filter(reference => reference.startsWith('component:'));

/** Parts of component names: whole words, beginnings, middles, word pairs and numbers. */
function term() {
  const name = pick(names.component);
  const from = below(Math.max(1, name.length - 4));
  return pick([
    () => pick([...words]),
    () => name.slice(0, 3 + below(6)),
    () => name.slice(from, from + 3 + below(5)),
    () => name.slice(-(2 + below(4))),
    () => name.split('-').slice(0, 2).join('-'),
  ])();
}

const query = pairs => pairs.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&');
const get = (route, pairs) => `GET\t${route}?${query(pairs)}`;
const ordered = ['metadata.name,asc', 'metadata.name,desc', 'metadata.title,asc', 'metadata.title,desc'];
const fewWords = ['atlas', 'falcon', 'payments', 'router', 'vertex', 'audit', 'quartz', 'ledger', 'stream', 'profile'];
const text = word =>
  get('/entities/by-query', [
    ['filter', 'kind=component'],
    ['limit', 20],
    ['orderField', 'metadata.name,asc'],
    ['fullTextFilterTerm', word],
    ['fullTextFilterFields', 'metadata.name,metadata.title'],
  ]);

function condition() {
  const [kind, types] = pick(kinds);
  return [
    `kind=${kind}`,
    `spec.type=${pick(types)}`,
    ...(below(2) ? [`spec.lifecycle=${pick(lifecycles)}`] : []),
    ...(below(4) ? [] : [`spec.owner=group:default/${pick(names.group)}`]),
  ].join(',');
}

const scenarios = {
  'by-name': () => `GET\t/entities/by-name/${pick(components).replace(':', '/')}`,
  'by-refs-100': () =>
    `POST\t/entities/by-refs\t${JSON.stringify({ entityRefs: Array.from({ length: 100 }, () => pick(references)) })}`,
  'byquery-filter': () =>
    get('/entities/by-query', [
      ['filter', 'kind=component,spec.type=service'],
      ['limit', 20],
      ['orderField', 'metadata.name,asc'],
    ]),
  'byquery-owner': () =>
    get('/entities/by-query', [
      ['filter', `kind=component,relations.ownedBy=group:default/${pick(names.group)}`],
      ['limit', 10 + below(21)],
      ['orderField', pick(ordered)],
    ]),
  fulltext: () => text(pick(fewWords)),
  'facet-kind': () => get('/entity-facets', [['facet', 'kind']]),
  'facet-type': () => get('/entity-facets', [['facet', 'spec.type']]),
  'facet-type-filtered': () =>
    get('/entity-facets', [
      ['facet', 'spec.type'],
      ['filter', 'kind=component'],
    ]),
  'facet-tags': () => get('/entity-facets', [['facet', 'metadata.tags']]),
  'wide-byquery-filter': () =>
    get('/entities/by-query', [
      ['filter', condition()],
      ['limit', pick([5, 10, 20, 20, 50])],
      ...(below(3) ? [] : [['offset', pick([20, 40, 100])]]),
      ['orderField', pick(ordered)],
    ]),
  'wide-fulltext': () => text(term()),
  'wide-facet-type-filtered': () =>
    get('/entity-facets', [
      ['facet', 'spec.type'],
      [
        'filter',
        [
          `kind=${pick(kinds)[0]}`,
          ...(below(3) ? [`metadata.tags=${pick(tags)}`] : []),
          ...(below(3) ? [`spec.lifecycle=${pick(lifecycles)}`] : []),
          ...(below(4) ? [] : [`spec.system=${pick(names.system)}`]),
        ].join(','),
      ],
    ]),
};

for (const [name, make] of Object.entries(scenarios)) {
  const lines = Array.from({ length: 4000 }, make);
  fs.writeFileSync(path.join(directory, name), `${lines.join('\n')}\n`);
  console.error(`${String(new Set(lines).size).padStart(5)} different  ${name}`);
}
