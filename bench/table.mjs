#!/usr/bin/env node
// Turns the rows of side-by-side.sh into a Markdown table of medians:  node table.mjs ROWS.jsonl
import fs from 'node:fs';

const rows = fs
  .readFileSync(process.argv[2], 'utf8')
  .split('\n')
  .filter(Boolean)
  .map(l => JSON.parse(l));
const median = values => {
  const sorted = values.filter(Number.isFinite).sort((x, y) => x - y);
  const mid = sorted.length >> 1;
  return sorted.length === 0 ? undefined : sorted.length % 2 ? sorted[mid] : (sorted[mid - 1] + sorted[mid]) / 2;
};
const short = n =>
  n === undefined ? '' : n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n >= 1 ? n.toFixed(2) : n.toFixed(3);
const sides = [...new Set(rows.map(r => r.side))];
const cases = [...new Set(rows.map(r => `${r.scenario}\t${r.conns}`))].map(c => c.split('\t'));
const of = (side, scenario, conns, field) =>
  median(rows.filter(r => r.side === side && r.scenario === scenario && String(r.conns) === conns).map(r => r[field]));

const heads = [
  'scenario',
  'connections',
  ...sides.flatMap(s => [`${s} CPU ms/request`, `of that its store`, `${s} rps`, `p50 ms`, `p99 ms`]),
  ...(sides.length === 2 ? [`${sides[1]} / ${sides[0]}, CPU`, `without stores`] : []),
];
console.log(`| ${heads.join(' | ')} |\n|${heads.map((_, i) => (i ? ' ---: ' : ' --- ')).join('|')}|`);
for (const [scenario, conns] of cases) {
  const cells = [scenario, conns];
  for (const side of sides)
    cells.push(...['cpu_ms', 'store_cpu_ms', 'rps', 'p50_ms', 'p99_ms'].map(f => short(of(side, scenario, conns, f))));
  if (sides.length === 2) {
    const ratio = field => {
      const [x, y] = sides.map(s => of(s, scenario, conns, field));
      return x && y ? `1/${short(x / y)}` : '';
    };
    cells.push(ratio('cpu_ms'), ratio('server_cpu_ms'));
  }
  console.log(`| ${cells.join(' | ')} |`);
}
