//! The calls. Each is one question with all its pages, or one page.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_config::Client;
use aws_sdk_config::config::retry::RetryConfig;
use aws_sdk_config::error::ProvideErrorMetadata;
use aws_sdk_config::types::{AggregateResourceIdentifier, ResourceCountFilters, ResourceCountGroupKey, ResourceType};
use serde_json::Value;

use crate::AggregatorError;
use crate::item::api_item;
use crate::query::{Scope, check_account};

/// Config's limit of one page of items, and of one of counts.
const MAX_PAGE_ITEMS: i32 = 100;
const MAX_PAGE_GROUPS: i32 = 1000;

/// The quotas of these calls are low, and shared with everybody who looks at Config: two minutes of patience at most.
const MAX_ATTEMPTS: u32 = 8;

/// Who assumes a role, as its account's CloudTrail names it.
const SESSION: &str = "callboard";

/// One aggregator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConfigAggregator {
    client: Client,
    name: String,
}

/// What resources are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountBy<'a> {
    /// Of all accounts.
    Account,
    /// Of one account.
    TypeOf { account: &'a str },
}

/// One page of items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Objects, as the query language writes them: tags as `[{tag, key, value}]`.
    pub items: Vec<Value>,
    /// Results that were no JSON objects.
    pub unreadable: u64,
    /// Where the next page begins. `None`: this is the last one.
    pub next: Option<String>,
}

/// What names one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemKey<'a> {
    pub account: &'a str,
    /// As the item says it: of a global resource, `global` or the region that recorded it.
    pub region: &'a str,
    pub resource_type: &'a str,
    pub resource_id: &'a str,
}

impl ConfigAggregator {
    /// The aggregator of this name, in our own account.
    pub fn connect(config: &SdkConfig, name: &str) -> Self {
        Self::from_client(Client::from_conf(patient(config).build()), name)
    }

    /// The aggregator of this name, in the account of that role.
    pub async fn connect_as(config: &SdkConfig, name: &str, role_arn: &str) -> Self {
        let role = AssumeRoleProvider::builder(role_arn).session_name(SESSION).configure(config).build().await;
        Self::from_client(Client::from_conf(patient(config).credentials_provider(role).build()), name)
    }

    /// For a client with settings of its own, such as interceptors.
    pub fn from_client(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned() }
    }

    /// How many resources there are, by account or by type: the cheap look before a long one.
    ///
    /// # Errors
    /// [`AggregatorError::Aws`] if a page is missing: a part is no count.
    pub async fn counts(&self, by: CountBy<'_>) -> Result<BTreeMap<String, u64>, AggregatorError> {
        let ask = self.client.get_aggregate_discovered_resource_counts().configuration_aggregator_name(&self.name);
        let ask = match by {
            CountBy::Account => ask.group_by_key(ResourceCountGroupKey::AccountId),
            CountBy::TypeOf { account } => {
                check_account(account)?;
                let filters = ResourceCountFilters::builder().account_id(account).build();
                ask.group_by_key(ResourceCountGroupKey::ResourceType).filters(filters)
            }
        };
        let ask = ask.limit(MAX_PAGE_GROUPS);
        let (mut counts, mut token) = (BTreeMap::new(), None);
        loop {
            let page = ask.clone().set_next_token(token).send().await;
            let page = page.map_err(AggregatorError::aws("GetAggregateDiscoveredResourceCounts"))?;
            for group in page.grouped_resource_counts() {
                let count = u64::try_from(group.resource_count).unwrap_or_default();
                *counts.entry(group.group_name.clone()).or_default() += count;
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(counts);
            }
        }
    }

    /// A page of at most 100 items. Items of resources that are not recorded are in no page.
    ///
    /// # Errors
    /// [`AggregatorError::is_expired_token`] tells when the pages must be read from the first one again.
    pub async fn page(&self, scope: Scope<'_>, token: Option<String>) -> Result<Page, AggregatorError> {
        let answer = self
            .client
            .select_aggregate_resource_config()
            .configuration_aggregator_name(&self.name)
            .expression(scope.expression()?)
            .limit(MAX_PAGE_ITEMS)
            .set_next_token(token)
            .send()
            .await
            .map_err(AggregatorError::aws("SelectAggregateResourceConfig"))?;
        let mut page = Page { next: answer.next_token.filter(|token| !token.is_empty()), ..Page::default() };
        for text in answer.results.unwrap_or_default() {
            match serde_json::from_str(&text) {
                Ok(item @ Value::Object(_)) => page.items.push(item),
                _ => page.unreadable += 1,
            }
        }
        Ok(page)
    }

    /// One item with all its parts; `None` if the aggregator knows of no such resource.
    ///
    /// # Errors
    /// [`AggregatorError::is_oversized`] tells that there is one, and that it does not fit into an answer.
    pub async fn get_item(&self, key: ItemKey<'_>) -> Result<Option<Value>, AggregatorError> {
        let ItemKey { account, region, resource_type, resource_id } = key;
        let identifier = AggregateResourceIdentifier::builder()
            .source_account_id(account)
            .source_region(region)
            .resource_type(ResourceType::from(resource_type))
            .resource_id(resource_id)
            .build()
            .map_err(|_| AggregatorError::Scope { what: "resource", found: resource_id.to_owned() })?;
        let ask = self.client.get_aggregate_resource_config().configuration_aggregator_name(&self.name);
        match ask.resource_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.configuration_item.as_ref().map(api_item)),
            Err(error) if error.code() == Some("ResourceNotDiscoveredException") => Ok(None),
            Err(error) => Err(AggregatorError::aws("GetAggregateResourceConfig")(error)),
        }
    }
}

fn patient(config: &SdkConfig) -> aws_sdk_config::config::Builder {
    let retry = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS);
    aws_sdk_config::config::Builder::from(config).retry_config(retry)
}
