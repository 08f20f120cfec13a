// Which entities tie in an order. Backstage breaks ties by its random uids, so within a group of ties only
// the set is comparable; between groups the order is.
import { byBytes } from './rows.mjs';

/**
 * Sizes of the groups of ties in `references`, the whole answer in order; null when they cannot be told.
 * order: {how: 'uid'|'reference'|'value', fields: [{key, descending}], absentLast, only?: text}
 */
export function tieGroups(references, facts, order) {
  if (references.length === 0) return [];
  if (order.how === 'reference') return references.map(() => 1);
  if (order.how === 'uid') return [references.length];
  const labels =
    order.fields.length === 1 ? oneField(references, facts, order) : severalFields(references, facts, order);
  if (!labels) return null;
  const sizes = [];
  labels.forEach((label, i) => (i > 0 && label === labels[i - 1] ? sizes[sizes.length - 1]++ : sizes.push(1)));
  return sizes;
}

function oneField(references, facts, { fields: [{ key, descending }], absentLast, only }) {
  const met = new Map();
  const labels = [];
  for (const reference of references) {
    const nth = met.get(reference) ?? 0;
    met.set(reference, nth + 1);
    let values = facts.values(reference, key);
    if (only !== undefined) values = values.filter(like(only));
    if (descending) values.reverse();
    if (nth < values.length) labels.push(`=${values[nth]}`);
    else if (absentLast && values.length === 0) labels.push('absent');
    else return null;
  }
  for (let i = 1; i < labels.length; i++) {
    if (labels[i] === 'absent') continue;
    if (labels[i - 1] === 'absent') return null;
    const direction = byBytes(labels[i - 1].slice(1), labels[i].slice(1)) * (descending ? -1 : 1);
    if (direction > 0) return null;
  }
  return labels;
}

/** SQL's LIKE '%text%': `%` and `_` in the text are wildcards, a backslash takes the next character as it is. */
function like(text) {
  let pattern = '';
  const rest = [...`${text}%`];
  while (rest.length) {
    const c = rest.shift();
    if (c === '\\' && rest.length) pattern += escaped(rest.shift());
    else pattern += c === '%' ? '.*' : c === '_' ? '.' : escaped(c);
  }
  const whole = new RegExp(`^.*${pattern}$`, 'su');
  return value => whole.test(value);
}

const escaped = c => c.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');

function severalFields(references, facts, { fields }) {
  if (new Set(references).size !== references.length) return null;
  const labels = [];
  for (const reference of references) {
    const values = fields.map(f => facts.values(reference, f.key));
    if (values.some(v => v.length > 1)) return null;
    labels.push(JSON.stringify(values));
  }
  // Equal labels that are not neighbours would mean that this model of the order is wrong.
  const seen = new Set();
  for (let i = 0; i < labels.length; i++) {
    if (i > 0 && labels[i] === labels[i - 1]) continue;
    if (seen.has(labels[i])) return null;
    seen.add(labels[i]);
  }
  return labels;
}

/** The groups that overlap positions [from, to): [{start, size}]. */
export function overlapping(sizes, from, to) {
  const out = [];
  let start = 0;
  for (const size of sizes) {
    if (start < to && start + size > from) out.push({ start, size });
    start += size;
  }
  return out;
}
