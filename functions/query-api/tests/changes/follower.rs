//! Somebody who reads everything once and follows the feed from there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stack::Stack;

/// uid -> entity
pub(crate) type Entities = BTreeMap<String, Value>;

#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) entities: Entities,
    pub(crate) cursor: String,
}

impl Follower {
    pub(crate) async fn start(stack: &mut Stack) -> Self {
        let (status, first) = stack.get("/api/changes", &[]).await;
        assert_eq!((status, first["items"].as_array().map(Vec::len)), (200, Some(0)), "{first}");
        let cursor = first["cursor"].as_str().unwrap().to_owned();
        Self { entities: read_all(stack).await, cursor }
    }

    /// Takes one page. Whether there is more.
    pub(crate) async fn step(&mut self, stack: &mut Stack, limit: usize) -> bool {
        let parameters = [("after", self.cursor.as_str()), ("limit", &limit.to_string())];
        let (status, page) = stack.get("/api/changes", &parameters).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        for item in items {
            let uid = item["uid"].as_str().unwrap().to_owned();
            match item["type"].as_str().unwrap() {
                "upsert" => {
                    let entity = &item["entity"];
                    assert_eq!(
                        (&entity["metadata"]["uid"], &entity["metadata"]["etag"]),
                        (&item["uid"], &item["etag"])
                    );
                    self.entities.insert(uid, entity.clone());
                }
                "delete" => drop(self.entities.remove(&uid)),
                other => panic!("{other}"),
            }
        }
        self.cursor = page["cursor"].as_str().unwrap().to_owned();
        page["hasMore"].as_bool().unwrap()
    }

    pub(crate) async fn catch_up(&mut self, stack: &mut Stack, limit: usize) {
        while self.step(stack, limit).await {}
    }
}

/// Every entity, page by page.
pub(crate) async fn read_all(stack: &mut Stack) -> Entities {
    let mut entities = Entities::new();
    let mut cursor: Option<String> = None;
    loop {
        let parameters: Vec<(&str, &str)> = cursor.as_deref().map(|cursor| ("cursor", cursor)).into_iter().collect();
        let (status, page) = stack.get("/api/catalog/entities/by-query", &parameters).await;
        assert_eq!(status, 200, "{page}");
        for entity in page["items"].as_array().unwrap() {
            entities.insert(entity["metadata"]["uid"].as_str().unwrap().to_owned(), entity.clone());
        }
        cursor = page["pageInfo"]["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return entities;
        }
    }
}
