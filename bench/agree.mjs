#!/usr/bin/env node
// Sends the same sample of each scenario's requests to two bases and compares the answers, uids, etags and cursors apart:
//   node agree.mjs DIR SAMPLE A_BASE B_BASE SCENARIO...
// Prints one line per scenario; exit status 1 when an answer differs.
import fs from 'node:fs';
import path from 'node:path';
import { Side, parse } from './differential/wire.mjs';
import { canonical } from './differential/canonical.mjs';

const [directory, sample, a, b, ...scenarios] = process.argv.slice(2);
if (!scenarios.length) {
  console.error('usage: agree.mjs DIR SAMPLE A_BASE B_BASE SCENARIO...');
  process.exit(2);
}
const sides = [new Side(a), new Side(b)];
let failed = false;
for (const scenario of scenarios) {
  const all = [...new Set(fs.readFileSync(path.join(directory, scenario), 'utf8').split('\n').filter(Boolean))];
  const chosen = all.filter((_, i) => i % Math.ceil(all.length / Number(sample)) === 0);
  let differing = 0;
  for (const line of chosen) {
    const [method, route, body] = line.split('\t');
    const request = { method, path: route, ...(body ? { body, headers: { 'content-type': 'application/json' } } : {}) };
    const answers = await Promise.all(sides.map(side => side.raw(request)));
    const [x, y] = answers.map(({ status, text }) => `${status} ${canonical(parse(text) ?? text)}`);
    if (x === y && answers[0].status === 200) continue;
    if (differing++ === 0)
      console.error(`${scenario}: ${line.slice(0, 300)}\n  A ${x.slice(0, 300)}\n  B ${y.slice(0, 300)}`);
  }
  console.error(`${scenario}: ${chosen.length - differing} of ${chosen.length} sampled answers agree`);
  failed ||= differing > 0;
}
sides.forEach(side => side.close());
process.exit(failed ? 1 : 0);
