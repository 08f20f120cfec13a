// Asks a running stack, started with its samples, through the client that docs/cost-insights.md shows; every method and every
// duration. What is answered adds up, and is written down as TypeScript, to be compiled against the published types.
// Usage: node cost-insights.mjs http://127.0.0.1:7407 [docs/cost-insights.md]
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { CallboardCostInsightsClient } from './cost-insights-built/cost-insights-client.js';

const base = process.argv[2] ?? 'http://127.0.0.1:7407';
const docs = process.argv[3];
const here = name => new URL(name, import.meta.url);
let passed = 0;

async function check(name, run) {
  await run();
  passed += 1;
  console.log(`ok - ${name}`);
}

class ProjectGrowthAlert { constructor(data) { this.data = data; } }
class UnlabeledDataflowAlert { constructor(data) { this.data = data; } }

// Every answer as its text: numbers in it have more digits than JavaScript's.
const texts = new Map();
const remembering = async url => {
  const response = await fetch(url);
  // What was asked for again is the last one as well.
  texts.delete(url);
  texts.set(url, await response.clone().text());
  return response;
};
const client = new CallboardCostInsightsClient(
  async () => `${base}/api/cost-insights`,
  { fetch: remembering },
  { ProjectGrowthAlert, UnlabeledDataflowAlert },
);
const lastText = () => [...texts.values()].at(-1);

// Exact decimals: whole numbers of 1e-20.
const PLACES = 20;
function units(text) {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? assert.fail(`${text} is no plain decimal`);
  assert.ok(fraction.length <= PLACES, text);
  const value = BigInt(whole + fraction.padEnd(PLACES, '0'));
  return sign ? -value : value;
}
const sum = amounts => amounts.reduce((total, amount) => total + units(amount), 0n);
// Numbers as texts.
const exactly = text => JSON.parse(text.replace(/([:[,])(-?\d[\d.eE+-]*)(?=[,\]}])/g, '$1"$2"'));
const amounts = series => series.map(day => day.amount);

const day = (date, days) => new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);
function quarterStart(date) {
  const [year, month] = date.split('-').map(Number);
  return `${year}-${String(month - ((month - 1) % 3)).padStart(2, '0')}-01`;
}

const recorded = [];
const record = (type, text) => recorded.push([type, text]);

const last = await client.getLastCompleteBillingDate();
// As the portal asks: `intervalsOf`.
const endOfQuarter = quarterStart(day(last, 1)) === day(last, 1) ? day(last, 1) : quarterStart(last);
const durations = {
  P7D: `R2/P7D/${day(last, 1)}`,
  P30D: `R2/P30D/${day(last, 1)}`,
  P90D: `R2/P90D/${day(last, 1)}`,
  P3M: `R2/P3M/${endOfQuarter}`,
  CUSTOM: `R2/P10D/${day(last, -4)}`,
};
const group = 'group:default/team-playbill';
const hero = 'component:default/catalog-api';

async function costs(scope, from, to) {
  const answer = await (await fetch(`${base}/api/costs?${new URLSearchParams({ scope, from, to })}`)).json();
  return units(answer.totals.USD ?? '0');
}

/** A series, its groups, its periods and the exact costs of its scope say the same. */
async function addsUp(scope, intervals) {
  const cost = exactly(lastText());
  const total = sum(amounts(cost.aggregation));
  assert.equal(total, units(cost.exact.total));
  assert.equal(total, await costs(scope, cost.exact.from, cost.exact.to), `${scope} ${intervals}`);
  for (const [key, groups] of Object.entries(cost.groupedCosts ?? {})) {
    assert.equal(sum(groups.flatMap(one => amounts(one.aggregation))), total, `${scope} ${intervals} by ${key}`);
  }
  const periods = cost.exact.periods;
  for (const { from, to, amount } of periods) assert.equal(await costs(scope, from, to), units(amount));
  assert.equal(units(cost.change.amount), units(periods.at(-1).amount) - units(periods.at(-2).amount));
  return cost;
}

await check('the last complete day is a day', async () => {
  assert.match(last, /^\d{4}-\d{2}-\d{2}$/);
  record('string', lastText());
});

await check('a user who is not in the catalog has no groups', async () => {
  assert.deepEqual(await client.getUserGroups('user:default/nobody'), []);
  record('Group[]', lastText());
});

await check('projects of a group are accounts', async () => {
  const projects = await client.getGroupProjects(group);
  assert.ok(projects.length > 0 && projects.every(project => /^\d{12}$/.test(project.id)));
  record('Project[]', lastText());
});

const [{ id: project }] = await client.getGroupProjects(group);
for (const [duration, intervals] of Object.entries(durations)) {
  await check(`${duration}: group, project, entity and metric add up to the costs`, async () => {
    await client.getGroupDailyCost(group, intervals);
    const cost = await addsUp(group, intervals);
    record('Cost & Exact', lastText());
    if (duration.endsWith('D')) {
      // The portal's chart begins here, and its totals split behind so many days.
      assert.equal(cost.exact.from, day(last, -2 * Number(duration.slice(1, -1))));
    }
    await client.getProjectDailyCost(project, intervals);
    await addsUp(`account:${project}`, intervals);
    record('Cost & Exact', lastText());
    await client.getCatalogEntityDailyCost(hero, intervals);
    await addsUp(hero, intervals);
    record('Cost & Exact', lastText());
    await client.getGroupDailyCost('all', intervals);
    await addsUp('all', intervals);
    await client.getDailyMetricData('unblended', intervals);
    await addsUp('all', intervals);
    record('MetricData & Exact', lastText());
  });

  await check(`${duration}: a product's entities add up, with one without a name at most`, async () => {
    for (const product of ['AmazonRDS', 'ec2', 'AmazonPolly']) {
      await client.getProductInsights({ product, group, intervals, project: null });
      record('Entity', lastText());
      const walk = entity => {
        for (const [key, entities] of Object.entries(entity.entities)) {
          assert.ok(entities.filter(one => one.id === null).length <= 1, key);
          for (const at of [0, 1]) assert.equal(sum(entities.map(one => one.aggregation[at])), units(entity.aggregation[at]), key);
          entities.forEach(walk);
        }
      };
      const root = exactly(lastText());
      assert.ok(Object.keys(root.entities).length <= 1);
      walk(root);
    }
    await client.getProductInsights({ product: 'AmazonRDS', group, intervals, project });
  });
}

/** A report of one line, put into the bucket as AWS delivers it: its manifest last. Of the samples' export: all of it is complete. */
async function deliver(month, account, cost) {
  const bucket = new URL(base);
  bucket.port = Number(bucket.port) + 2;
  const put = async (key, body) => {
    const response = await fetch(new URL(`/callboard-reports/${key}`, bucket), { method: 'PUT', body });
    assert.ok(response.ok, `${key}: ${response.status}`);
  };
  const file = `cur/daily-costs/data/BILLING_PERIOD=${month}/daily-costs-00001.csv`;
  const columns = ['line_item_type', 'usage_account_id', 'usage_start_date', 'usage_end_date', 'product_code', 'currency_code', 'unblended_cost'];
  const line = ['Usage', account, `${month}-15T00:00:00Z`, `${month}-15T01:00:00Z`, 'AmazonEC2', 'USD', cost];
  await put(file, `${columns.map(column => `line_item_${column}`).join(',')}\n${line.join(',')}\n`);
  const manifest = { executionId: `recorded-${month}`, exportArn: 'arn', columns: [], dataFiles: [`s3://callboard-reports/${file}`] };
  await put(`cur/daily-costs/metadata/BILLING_PERIOD=${month}/daily-costs-Manifest.json`, JSON.stringify(manifest));
}

await check('an account that cost more in a whole quarter and month than before is shown as grown', async () => {
  const firsts = [1, 2, 3, 4, 5, 6].map(months => {
    const [year, month] = endOfQuarter.split('-').map(Number);
    return new Date(Date.UTC(year, month - 1 - months, 1)).toISOString().slice(0, 7);
  });
  for (const [at, month] of firsts.entries()) await deliver(month, project, `${1000 - 100 * at}.5`);
  const isQuarter = alert => alert instanceof ProjectGrowthAlert && /^\d{4}-Q\d$/.test(alert.data.periodEnd);
  let grown;
  // Reports are taken one after the other, and what was read before may be a second old. Nothing tells a client of new costs: the
  // answer is the condition, and the pause is between two questions.
  for (let tries = 0; !grown && tries < 120; tries += 1) {
    grown = (await client.getAlerts('all')).find(isQuarter);
    if (!grown) await new Promise(resolve => setTimeout(resolve, 500));
  }
  assert.ok(grown, 'no quarter has grown');
  const { data } = exactly(lastText()).find(alert => alert.data.periodEnd === grown.data.periodEnd && alert.data.project === project);
  assert.deepEqual(data.aggregation, ['1801.5', '2701.5']);
  assert.equal(units(data.change.amount), units('900'));
  for (const at of [0, 1]) assert.equal(sum(data.products.map(one => one.aggregation[at])), units(data.aggregation[at]));
});

await check('alerts are of the classes of the plugin, or have a title', async () => {
  for (const of of [group, 'all']) {
    const alerts = await client.getAlerts(of);
    for (const alert of JSON.parse(lastText())) {
      if (alert.type !== 'ActionAlert') record(alert.type.replace('Alert', 'Data'), JSON.stringify(alert.data));
    }
    for (const alert of alerts) assert.ok(alert.data || (alert.title && alert.subtitle));
  }
  const alerts = await client.getAlerts('all');
  for (const type of [ProjectGrowthAlert, UnlabeledDataflowAlert]) assert.ok(alerts.some(alert => alert instanceof type), type.name);
  for (const type of ['ProjectGrowthData', 'UnlabeledDataflowData']) assert.ok(recorded.some(([of]) => of === type), `no ${type} recorded`);
});

await check('what is wrong is an error with its reason', async () => {
  await assert.rejects(client.getGroupDailyCost(group, 'P30D'), /is not of the form R2\/P30D/);
  await assert.rejects(client.getDailyMetricData('users', durations.P30D), /there is no metric `users`/);
});

if (docs) {
  await check('the documentation shows this client', async () => {
    const shown = await readFile(docs, 'utf8');
    assert.ok(shown.includes(await readFile(here('cost-insights-client.ts'), 'utf8')), `${docs} shows another client`);
  });
}

const lines = recorded.map(([type, text], at) => `export const answer${at}: ${type} = ${text};`);
await writeFile(here('cost-insights-recorded.ts'), `// Answers of a stack.
import type { ProjectGrowthData, UnlabeledDataflowData } from '@backstage/plugin-cost-insights';
import type { Cost, Entity, Group, MetricData, Project } from '@backstage/plugin-cost-insights-common';
type Exact = { exact: { metric: string; currency: string; from: string; to: string; total: string;
  periods: { from: string; to: string; amount: string }[]; otherCurrencies?: Record<string, string> } };
export type All = [ProjectGrowthData, UnlabeledDataflowData, Cost, Entity, Group, MetricData, Project];
${lines.join('\n')}
`);
console.log(`${recorded.length} answers recorded`);
console.log(`${passed} passed, 0 failed`);
