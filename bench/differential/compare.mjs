// Compares recorded and received bodies; a difference is {kind, detail}, kind being the same for alike differences.
import { fingerprint } from './canonical.mjs';

const brief = value => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 240 ? `${text.slice(0, 240)}… (${text.length})` : text;
};
const typeOf = value => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

/** Where two JSON values part, as paths with the positions left out. */
export function compareBodies(expected, got, path = '', out = []) {
  if (out.length > 20) return out;
  if (typeOf(expected) !== typeOf(got)) {
    out.push({
      kind: `${path || 'body'}: ${typeOf(expected)} expected, got ${typeOf(got)}`,
      detail: `expected ${brief(expected)}\n      got      ${brief(got)}`,
    });
  } else if (Array.isArray(expected)) {
    if (expected.length !== got.length)
      out.push({
        kind: `${path || 'body'}: length`,
        detail: `expected ${expected.length} ${brief(expected)}\n      got      ${got.length} ${brief(got)}`,
      });
    else expected.forEach((v, i) => compareBodies(v, got[i], `${path}[]`, out));
  } else if (expected && typeof expected === 'object') {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const at = path ? `${path}.${key}` : key;
      if (!(key in got)) out.push({ kind: `${at} missing`, detail: `expected ${brief(expected[key])}` });
      else if (!(key in expected)) out.push({ kind: `${at} not expected`, detail: `got ${brief(got[key])}` });
      else compareBodies(expected[key], got[key], at, out);
    }
  } else if (!Object.is(expected, got)) {
    out.push({
      kind: `${path || 'body'} differs`,
      detail: `expected ${brief(expected)}\n      got      ${brief(got)}`,
    });
  }
  return out;
}

/** A list whose ties may come in any order; in every other place the item must be the recorded one. */
export function compareListed(expect, body, shape, sets) {
  const out = [];
  const items = shape === 'page' ? body.items : body;
  if (!Array.isArray(items)) return [{ kind: 'no list', detail: brief(body) }];
  const recorded = expect.items ? undefined : shape === 'page' ? expect.body.items : expect.body;
  const prints = expect.items ?? recorded.map(fingerprint);
  if (shape === 'page') {
    const { items: _, ...restExpected } = expect.body;
    const { items: __, ...restGot } = body;
    compareBodies(restExpected, restGot, '', out);
  }
  if (items.length !== prints.length) {
    out.push({ kind: 'number of items', detail: `expected ${prints.length}, got ${items.length}` });
    return out;
  }
  const groupAt = new Map();
  for (const group of expect.ties.groups) {
    const left = new Map();
    for (const member of group.members ?? sets.get(group.set)) left.set(member, (left.get(member) ?? 0) + 1);
    for (let i = Math.max(0, group.at); i < Math.min(prints.length, group.at + group.size); i++) groupAt.set(i, left);
  }
  const wrong = [];
  items.forEach((item, i) => {
    const print = fingerprint(item);
    const left = groupAt.get(i);
    if (!left) {
      if (print !== prints[i]) wrong.push(i);
    } else if (left.get(print)) left.set(print, left.get(print) - 1);
    else wrong.push(i);
  });
  for (const i of wrong.slice(0, 3)) {
    const same = recorded?.find(r => identity(r) !== undefined && identity(r) === identity(items[i]));
    if (same && fingerprint(same) !== fingerprint(items[i])) compareBodies(same, items[i], 'items[]', out);
    else if (!groupAt.has(i) && recorded && identity(recorded[i]) === undefined)
      compareBodies(recorded[i], items[i], 'items[]', out);
    else
      out.push({
        kind: groupAt.has(i)
          ? 'an item that is not among those that tie at its place (or a repeated one)'
          : prints.includes(fingerprint(items[i]))
            ? 'order of items'
            : 'another item',
        detail: `at ${i} expected ${recorded ? brief(recorded[i]) : 'an item known by its fingerprint'}\n      got      ${brief(items[i])}`,
      });
  }
  return out;
}

const identity = item =>
  item?.kind && item.metadata?.name
    ? `${item.kind}:${item.metadata.namespace}/${item.metadata.name}`.toLowerCase()
    : undefined;
