#!/usr/bin/env node
// Asks another catalog API the recorded questions and reports where its answers differ:
//   node diff.mjs BASE RECORDING.jsonl [--examples N] [--topic TEXT] [--id N] [--json FILE] [--force]
// Differences are grouped by kind, with the first examples of each. Exit status 1 when there is any.
// Not counted: a 4xx where the recorded side failed with 500; the order of ties.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { lines } from './lines.mjs';
import { Side, parse } from './wire.mjs';
import { masked, envelope } from './canonical.mjs';
import { compareBodies, compareListed } from './compare.mjs';
import { compareWalk } from './compare-walk.mjs';

const {
  values: options,
  positionals: [base, recording],
} = parseArgs({
  allowPositionals: true,
  options: {
    examples: { type: 'string', default: '3' },
    topic: { type: 'string' },
    id: { type: 'string' },
    json: { type: 'string' },
    force: { type: 'boolean', default: false },
  },
});
if (!base || !recording) {
  console.error('usage: diff.mjs BASE RECORDING.jsonl [--examples N] [--topic TEXT] [--id N] [--json FILE] [--force]');
  process.exit(2);
}

const side = new Side(base);
const sets = new Map();
const groups = new Map();
const tally = new Map();
const topics = new Map();

async function differences({ shape, request, expect }) {
  if (shape === 'walk') return expect.skipped ? [] : compareWalk(side, request, expect);
  const answer = await side.send(request);
  const got = envelope(answer);
  if (expect.status >= 500 && got.status >= 400 && got.status < 500) {
    count('refused with 4xx what the recorded side answered with 500');
    return [];
  }
  if (got.status !== expect.status)
    return [
      {
        kind: `status ${expect.status} expected, got ${got.status}`,
        detail: `expected ${brief(expect.body ?? expect.text)}\n      got      ${brief(answer.text)}`,
      },
    ];
  const out = [];
  for (const name of ['type', 'etag', 'link']) {
    if (got[name] !== expect[name])
      out.push({
        kind: `header ${name}${name === 'link' ? '' : ` expected ${expect[name]}, got ${got[name]}`}`,
        detail: `${expect[name]} / ${got[name]}`,
      });
  }
  if (shape === 'conditional' && expect.again !== undefined && answer.headers.etag !== undefined) {
    const again = (
      await side.send({ ...request, headers: { ...request.headers, 'if-none-match': answer.headers.etag } })
    ).status;
    if (again !== expect.again)
      out.push({ kind: `conditional read: ${expect.again} expected, got ${again}`, detail: '' });
  }
  const parsed = parse(answer.text);
  if (expect.text !== undefined) {
    if (parsed !== undefined || answer.text.slice(0, 2000) !== expect.text)
      out.push({
        kind: 'text of the answer',
        detail: `expected ${brief(expect.text)}\n      got      ${brief(answer.text)}`,
      });
    return out;
  }
  if (parsed === undefined) return [...out, { kind: 'answer is no JSON', detail: brief(answer.text) }];
  const body = masked(parsed);
  return out.concat(expect.ties?.groups ? compareListed(expect, body, shape, sets) : compareBodies(expect.body, body));
}

const brief = value => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length})` : text;
};
const count = what => tally.set(what, (tally.get(what) ?? 0) + 1);
const shown = r =>
  `${r.method ?? 'GET'} ${r.path}${r.headers?.['content-type'] && r.headers['content-type'] !== 'application/json' ? ` [${r.headers['content-type']}]` : ''}${r.body !== undefined ? ` ${r.body}` : ''}`;

/** Thousands of differences that only say "not the same entities" help nobody, so a quick look comes first. */
async function sameCatalog({ entities }) {
  const answer = await side.raw({ path: '/entities/by-query?limit=0' });
  const held = parse(answer.text)?.totalItems;
  if (held === entities || options.force) return;
  console.error(
    `${base} answers ${answer.status} and holds ${held} entities, the recording was made of ${entities} (--force to go on)`,
  );
  process.exit(2);
}

let asked = 0;
let differing = 0;
for await (const line of lines(recording)) {
  const record = JSON.parse(line);
  if (record.set) {
    sets.set(record.set, record.members);
    continue;
  }
  if (record.about) {
    await sameCatalog(record.about);
    continue;
  }
  if ((options.topic && !record.topic.includes(options.topic)) || (options.id && record.id !== Number(options.id)))
    continue;
  asked++;
  const seen = topics.get(record.topic) ?? { asked: 0, differing: 0 };
  topics.set(record.topic, seen);
  seen.asked++;
  const found = await differences(record);
  if (!found.length) continue;
  differing++;
  seen.differing++;
  const kinds = new Set();
  for (const { kind, detail } of found) {
    const name = `${record.topic}: ${kind}`;
    if (kinds.has(name)) continue;
    kinds.add(name);
    const group = groups.get(name) ?? { n: 0, examples: [], ids: [] };
    groups.set(name, group);
    group.n++;
    group.ids.push(record.id);
    if (group.examples.length < Number(options.examples))
      group.examples.push(
        `#${record.id} ${brief(shown(record.request))}${record.request.moves ? ` moves ${record.request.moves.map(m => `${m.to}/${m.by}/${m.limit}`).join(' ')}` : ''}${detail ? `\n      ${detail}` : ''}`,
      );
  }
}
side.close();

for (const [name, group] of [...groups].sort((a, b) => b[1].n - a[1].n)) {
  console.log(`\n${group.n} × ${name}`);
  for (const example of group.examples) console.log(`   ${example}`);
}
console.log(`\n${'topic'.padEnd(24)} asked differing`);
for (const [topic, { asked: n, differing: d }] of topics)
  console.log(`${topic.padEnd(24)} ${String(n).padStart(5)} ${String(d).padStart(9)}`);
for (const [what, n] of tally) console.log(`${n} × ${what}`);
console.log(`${asked} asked, ${differing} differ`);
if (options.json)
  fs.writeFileSync(options.json, JSON.stringify(Object.fromEntries([...groups].map(([k, v]) => [k, v.ids])), null, 1));
process.exit(differing ? 1 : 0);
