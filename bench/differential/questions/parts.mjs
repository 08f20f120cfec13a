// Random pieces of questions: keys, values, filters, predicates, field lists, orders, and how they are written in a URL.
import { sections } from './sections.mjs';

const encodeAll = s => encodeURIComponent(s);
const encodeLittle = s => s.replace(/[^A-Za-z0-9\-._~,=:/@!$'()*;]/gu, encodeURIComponent);
const encodeForm = s => encodeURIComponent(s).replaceAll('%20', '+');
const encodeLower = s => encodeURIComponent(s).replace(/%../g, x => x.toLowerCase());

export const post = (path, body, headers) => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const swapCase = s => [...s].map(c => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('');

/** Words that questions are made of, from vocabulary.txt. */
const VOCABULARY = new Map(sections('vocabulary.txt').map(s => [s.heading, s.entries.map(e => JSON.parse(e))]));

export class Parts {
  constructor(rng, facts) {
    this.rng = rng;
    this.facts = facts;
  }

  word(list) {
    return this.rng.pick(VOCABULARY.get(list));
  }

  textFields(count) {
    return this.rng.sample(VOCABULARY.get('text fields'), count);
  }

  mangle(text) {
    const r = this.rng;
    if (r.chance(0.7)) return text;
    return r.pick([
      s => s.toUpperCase(),
      s => s.toLowerCase(),
      swapCase,
      s => ` ${s} `,
      s => s.slice(0, -1),
      s => `${s}x`,
    ])(text);
  }

  row() {
    // A random entity's random row, so that rare entities are asked for as often as common ones.
    const rows = this.facts.rows.get(this.rng.pick(this.facts.references));
    for (;;) {
      const row = this.rng.pick(rows);
      if (row.key !== 'metadata.uid') return row;
    }
  }

  key() {
    return this.rng.chance(0.12) ? this.word('strange keys') : this.mangle(this.row().key);
  }

  reference() {
    return this.rng.pick(this.facts.references);
  }

  /** A key that few or many entities have, with a value that exists or does not. */
  pair() {
    const r = this.rng;
    if (r.chance(0.35)) {
      const key = this.word('common keys');
      const having = this.facts.allRows.filter(x => x.key === key.toLowerCase());
      if (having.length) return [key, this.mangle(r.pick(having).original ?? '')];
    }
    const row = this.row();
    return [
      this.mangle(row.key),
      r.chance(0.12) ? this.word('strange values') : this.mangle(row.original ?? this.word('strange values')),
    ];
  }

  statement() {
    const r = this.rng;
    if (r.chance(0.2)) return this.key();
    const [key, value] = this.pair();
    return r.pick([
      `${key}=${value}`,
      `${key}=${value}`,
      `${key}=${value}`,
      `${key} = ${value}`,
      `${key}=`,
      `${key}==${value}`,
    ]);
  }

  /** One `filter` parameter. */
  filterSet() {
    const r = this.rng;
    const statements = Array.from({ length: 1 + r.below(3) }, () => this.statement());
    if (r.chance(0.2)) {
      const [key] = this.pair();
      statements.push(`${key}=${this.pair()[1]}`, `${key}=${this.pair()[1]}`);
    }
    if (r.chance(0.1)) statements.push(r.pick(['', ' ', statements[0], statements[0].toUpperCase()]));
    return statements.join(r.pick([',', ',', ', ', ',,']));
  }

  /** `filter` parameters of a GET, of a kind that often matches something. */
  filters() {
    const r = this.rng;
    if (r.chance(0.35)) {
      const entity = this.facts.byReference.get(this.reference());
      const known = [
        ['kind', entity.kind],
        ...(entity.spec?.type ? [['spec.type', String(entity.spec.type)]] : []),
        ...(entity.metadata.namespace ? [['metadata.namespace', entity.metadata.namespace]] : []),
      ];
      return [
        [
          'filter',
          r
            .sample(known, 1 + r.below(2))
            .map(([k, v]) => `${k}=${this.mangle(v)}`)
            .join(','),
        ],
      ];
    }
    return Array.from({ length: r.pick([0, 1, 1, 1, 2, 3]) }, () => ['filter', this.filterSet()]);
  }

  leaf() {
    const r = this.rng;
    const [key, value] = this.pair();
    const row = this.row();
    const typed = r.pick([value, value, value, true, false, 1, 0.1, 1e21, '']);
    return r.pick([
      { [key]: typed },
      { [key]: value },
      { [key]: { $exists: r.chance(0.6) } },
      { [this.key()]: { $exists: r.chance(0.5) } },
      { [key]: { $in: [value, this.pair()[1], row.original ?? 'x'].slice(0, r.below(4)) } },
      { [row.key]: { $hasPrefix: (row.original ?? 'x').slice(0, r.below(5)) } },
      { 'metadata.name': { $hasPrefix: this.mangle(r.pick(['c', 'a', 'from-url', 'team-', 'C-1', '%', '_', ''])) } },
      { [row.key]: { $contains: row.original ?? 'x' } },
      {
        relations: {
          $contains: { type: r.pick(['ownedBy', 'partOf', 'hasMember', 'OWNEDBY', 'dependsOn', 'nothing']) },
        },
      },
      {
        relations: {
          $contains: { type: r.pick(['ownedBy', 'partOf', 'dependsOn']), targetRef: this.mangle(this.reference()) },
        },
      },
      {
        relations: {
          $contains: {
            type: 'ownedBy',
            targetRef: { $in: [this.reference(), 'group:default/platform', 'group:default/nobody'] },
          },
        },
      },
      { [key]: value, [this.pair()[0]]: this.pair()[1] },
      {
        kind: r.pick(['component', 'API', 'widget', 'Resource']),
        'metadata.namespace': r.pick(['default', 'team-a', 'x']),
      },
    ]);
  }

  predicate(depth = 3) {
    const r = this.rng;
    if (depth === 0 || r.chance(0.4)) return this.leaf();
    return r.pick([
      () => ({ $all: Array.from({ length: r.below(4) }, () => this.predicate(depth - 1)) }),
      () => ({ $any: Array.from({ length: r.below(4) }, () => this.predicate(depth - 1)) }),
      () => ({ $not: this.predicate(depth - 1) }),
    ])();
  }

  fields() {
    const r = this.rng;
    const some = r.sample(VOCABULARY.get('fields'), 1 + r.below(4));
    if (r.chance(0.3)) some.push(this.row().key);
    if (r.chance(0.1)) some.push(r.pick(['', ' kind ', ' ', 'kind', 'kind']));
    return some;
  }

  order() {
    const field = this.rng.chance(0.15) ? 'metadata.name' : this.word('order fields');
    return [field, this.rng.pick(['asc', 'desc'])];
  }

  limit() {
    return this.rng.pick([0, 1, 2, 3, 5, 7, 10, 20, 20, 50, 100, 200, 500]);
  }

  /** A text that is part of some value, or hardly. */
  term() {
    const r = this.rng;
    const value = this.row().original ?? 'x';
    const from = r.below(Math.max(1, value.length - 2));
    return r.pick([
      value.slice(from, from + 1 + r.below(6)),
      value.slice(0, 4),
      this.mangle(value),
      this.word('texts'),
      this.word('texts'),
      this.word('texts'),
    ]);
  }

  query(pairs) {
    const encode = this.rng.pick([encodeAll, encodeAll, encodeLittle, encodeForm, encodeLower]);
    const written = pairs.map(([k, v]) => `${k}=${String(v).startsWith('{{') ? v : encode(String(v))}`);
    return written.length ? `?${written.join('&')}` : '';
  }
}
