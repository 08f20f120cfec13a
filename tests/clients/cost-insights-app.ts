// As a portal uses the client: the plugin's own reference and classes, and an answer of each method in the plugin's types.
import { ProjectGrowthAlert, UnlabeledDataflowAlert, type CostInsightsApi } from '@backstage/plugin-cost-insights';
import { CallboardCostInsightsClient } from './cost-insights-client.js';

export const api: Required<CostInsightsApi> = new CallboardCostInsightsClient(
  async () => 'http://127.0.0.1:7407/api/cost-insights',
  { fetch },
  { ProjectGrowthAlert, UnlabeledDataflowAlert },
);
