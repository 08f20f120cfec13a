import type { Alert, CostInsightsApi, ProductInsightsOptions, ProjectGrowthData, UnlabeledDataflowData } from '@backstage/plugin-cost-insights';
import type { Cost, Entity, Group, MetricData, Project } from '@backstage/plugin-cost-insights-common';

/** The alert classes of the plugin. */
export type AlertClasses = {
  ProjectGrowthAlert: new (data: ProjectGrowthData) => Alert;
  UnlabeledDataflowAlert: new (data: UnlabeledDataflowData) => Alert;
};

type WireAlert = { title: string; subtitle: string; url?: string } & (
  | { type: 'ProjectGrowthAlert'; data: ProjectGrowthData }
  | { type: 'UnlabeledDataflowAlert'; data: UnlabeledDataflowData }
  | { type: 'ActionAlert'; data: unknown }
);

export class CallboardCostInsightsClient implements CostInsightsApi {
  constructor(
    private readonly baseUrl: () => Promise<string>,
    private readonly fetchApi: { fetch: typeof fetch },
    private readonly classes: AlertClasses,
  ) {}

  getLastCompleteBillingDate = () => this.get<string>`last-complete-billing-date${{}}`;
  getUserGroups = (userId: string) => this.get<Group[]>`groups${{ userId }}`;
  getGroupProjects = (group: string) => this.get<Project[]>`groups/${group}/projects${{}}`;
  getGroupDailyCost = (group: string, intervals: string) => this.get<Cost>`groups/${group}/daily-cost${{ intervals }}`;
  getProjectDailyCost = (project: string, intervals: string) => this.get<Cost>`projects/${project}/daily-cost${{ intervals }}`;
  getDailyMetricData = (metric: string, intervals: string) => this.get<MetricData>`metrics/${metric}/daily${{ intervals }}`;
  getProductInsights = ({ product, ...options }: ProductInsightsOptions) => this.get<Entity>`products/${product}/insights${options}`;

  async getCatalogEntityDailyCost(entityRef: string, intervals: string): Promise<Cost> {
    const [, kind, namespace, name] = /^([^:]+):([^/]+)\/(.+)$/.exec(entityRef) ?? [];
    return this.get<Cost>`entities/${kind ?? ''}/${namespace ?? ''}/${name ?? ''}/daily-cost${{ intervals }}`;
  }

  async getAlerts(group: string): Promise<Alert[]> {
    const alerts = await this.get<WireAlert[]>`groups/${group}/alerts${{}}`;
    return alerts.map(alert => {
      if (alert.type === 'ProjectGrowthAlert') return new this.classes.ProjectGrowthAlert(alert.data);
      if (alert.type === 'UnlabeledDataflowAlert') return new this.classes.UnlabeledDataflowAlert(alert.data);
      return { title: alert.title, subtitle: alert.subtitle, ...(alert.url && { url: alert.url }) };
    });
  }

  /** Texts are parts of the path; the object at the end is the query. What is null is left out. */
  private async get<T>(fixed: TemplateStringsArray, ...values: (string | Record<string, string | null>)[]): Promise<T> {
    const path = fixed.map((text, at) => (typeof values[at] === 'string' ? text + encodeURIComponent(values[at]) : text)).join('');
    const query = Object.entries(values.at(-1) as Record<string, string | null>).filter((pair): pair is [string, string] => pair[1] !== null);
    const url = `${await this.baseUrl()}/${path}?${new URLSearchParams(query)}`;
    const response = await this.fetchApi.fetch(url);
    const body = await response.json();
    if (!response.ok) throw new Error(body.error?.message ?? response.statusText);
    return body;
  }
}
