//! Making the table, and reading it partition by partition.

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::attributes::{self, Item, s};
use crate::{CatalogStore, StoreError};

impl CatalogStore {
    /// Makes the table as the deployed stack has it: for the local stack and for tests. One that is there already is
    /// left as it is.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let failed = StoreError::aws("CreateTable");
        let mut create = self.dynamodb.create_table().table_name(&self.table).billing_mode(BillingMode::PayPerRequest);
        for (name, key_type) in [(attributes::PK, KeyType::Hash), (attributes::SK, KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(key_type);
            create = create
                .attribute_definitions(attribute.build().map_err(StoreError::aws("CreateTable"))?)
                .key_schema(key.build().map_err(StoreError::aws("CreateTable"))?);
        }
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build()
            .map_err(StoreError::aws("CreateTable"))?;
        match create.stream_specification(stream).send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {}
            Err(error) => return Err(failed(error)),
        }
        self.expire_items().await
    }

    async fn expire_items(&self) -> Result<(), StoreError> {
        let described = self
            .dynamodb
            .describe_time_to_live()
            .table_name(&self.table)
            .send()
            .await
            .map_err(StoreError::aws("DescribeTimeToLive"))?;
        let status = described.time_to_live_description.and_then(|description| description.time_to_live_status);
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let specification = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(attributes::EXPIRES_AT)
            .build()
            .map_err(StoreError::aws("UpdateTimeToLive"))?;
        self.dynamodb
            .update_time_to_live()
            .table_name(&self.table)
            .time_to_live_specification(specification)
            .send()
            .await
            .map_err(StoreError::aws("UpdateTimeToLive"))?;
        Ok(())
    }

    /// The items of a partition in the order of their sort keys, at most `max` or a page more. Consistent.
    pub(crate) async fn query_all(&self, pk: &str, max: usize) -> Result<Vec<Item>, StoreError> {
        collect(self.all_of(pk), max).await
    }

    /// As [`Self::query_all`], of the sort keys that begin so.
    pub(crate) async fn query_with_prefix(&self, pk: &str, prefix: &str, max: usize) -> Result<Vec<Item>, StoreError> {
        let query = self.dynamodb.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression(attributes::BEGINS);
        let query = query.expression_attribute_values(":pk", s(pk)).expression_attribute_values(":prefix", s(prefix));
        collect(query, max).await
    }

    /// As [`Self::query_all`], without the items whose body was taken away.
    pub(crate) async fn query_with_body(&self, pk: &str, max: usize) -> Result<Vec<Item>, StoreError> {
        collect(self.all_of(pk).filter_expression(attributes::HAS_BODY), max).await
    }

    fn all_of(&self, pk: &str) -> QueryFluentBuilder {
        let query = self.dynamodb.query().table_name(&self.table).consistent_read(true);
        query.key_condition_expression(attributes::ALL_OF).expression_attribute_values(":pk", s(pk))
    }
}

async fn collect(query: QueryFluentBuilder, max: usize) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.next().await {
        items.extend(page.map_err(StoreError::aws("Query"))?.items.unwrap_or_default());
        if items.len() >= max {
            break;
        }
    }
    Ok(items)
}
