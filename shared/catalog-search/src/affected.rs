//! A change in the log -> every entity that may look different for it.
//!
//! A feed of changes must name an entity also when only what others say of it changed. The answer is worked out from the
//! catalog as it is *now*, for changes of any age, and is never too small over a whole stretch of the log: a link that
//! carried a change at the time either still stands, or was cut later by a change that names both of its ends, and from
//! there the rest of the way is found. It may be too large; then an entity is named that looks as before.

use std::collections::BTreeSet;

use catalog_model::{Identity, Key, RecordKey, Relation};

use crate::catalog::Catalog;
use crate::docs::Doc;
use crate::row::derived_ref_of;
use crate::segment::base::NotLoaded;
use crate::touched::Touched;

/// Relations along which an owner or a system is inherited.
const DEPENDENCIES: [&str; 2] = ["dependsOn", "dependencyOf"];
/// Relations that are inherited.
const INHERITED: [&str; 2] = ["ownedBy", "partOf"];

impl Catalog {
    /// The entity of the record, whether it exists or not, and existing ones that may look different since the change.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn affected(&self, record: &RecordKey, touched: &Touched) -> Result<BTreeSet<Identity>, NotLoaded> {
        self.ready()?;
        let docs = match record {
            RecordKey::Entity(identity) => self.affected_by_entity(identity, touched),
            RecordKey::Alias(key) => self.affected_by_alias(key, touched),
        };
        let mut affected: BTreeSet<Identity> =
            docs.into_iter().filter(|doc| self.exists_now(*doc)).map(|doc| self.identity(doc)).collect();
        if let RecordKey::Entity(identity) = record {
            affected.insert(identity.clone());
        }
        Ok(affected)
    }

    fn affected_by_entity(&self, identity: &Identity, touched: &Touched) -> BTreeSet<Doc> {
        let mut docs: BTreeSet<Doc> = touched.targets.iter().flat_map(|key| self.answering(key)).collect();
        let own = self.existing(identity);
        if touched.inherits {
            let mut linked = docs.clone();
            linked.extend(self.sources_of(identity));
            linked.extend(own);
            docs.extend(linked.into_iter().flat_map(|doc| self.inheriting(doc)));
        }
        if touched.renames && derived_ref_of(identity).is_some() {
            let mut names = self.possible_keys(identity);
            names.extend(touched.was.clone());
            names.extend(own.and_then(|doc| self.head(doc)).map(|head| Key::of_ref(&head.declared_ref())));
            for key in names {
                docs.extend(self.renamed_with(&key));
            }
        }
        docs
    }

    fn affected_by_alias(&self, key: &Key, touched: &Touched) -> BTreeSet<Doc> {
        let mut docs = self.renamed_with(key);
        for identity in &touched.claimants {
            docs.extend(self.existing(identity).into_iter().flat_map(|doc| self.around(doc)));
        }
        docs
    }

    /// Entities that look different when a name or a secondary id changes hands.
    fn renamed_with(&self, key: &Key) -> BTreeSet<Doc> {
        let mut docs = BTreeSet::new();
        for (source, _) in self.sources(key) {
            docs.insert(source);
            docs.extend(self.targets_of(source, &INHERITED));
        }
        docs.extend(self.answering(key).into_iter().flat_map(|doc| self.around(doc)));
        docs
    }

    /// An entity, those that show its name, and those that look different when it inherits from another.
    fn around(&self, doc: Doc) -> BTreeSet<Doc> {
        let mut docs = self.inheriting(doc);
        docs.extend(self.sources_of(&self.identity(doc)));
        docs.extend(self.outgoing(doc).iter().flat_map(|relation| self.answering(&relation.target)));
        docs
    }

    /// An entity and those on the other side of its dependencies, with all owners and systems that any of them has, or
    /// could inherit.
    fn inheriting(&self, doc: Doc) -> BTreeSet<Doc> {
        let linked = self.linked(doc);
        let mut givers: BTreeSet<Doc> = linked.iter().flat_map(|doc| self.linked(*doc)).collect();
        givers.extend(&linked);
        givers.insert(doc);
        let mut docs: BTreeSet<Doc> = givers.into_iter().flat_map(|giver| self.targets_of(giver, &INHERITED)).collect();
        docs.extend(linked);
        docs.insert(doc);
        docs
    }

    /// Entities that depend on this one or that it depends on, by their word or its own; of a stack what is part of it, and the
    /// other way round.
    fn linked(&self, doc: Doc) -> BTreeSet<Doc> {
        let mut linked = self.targets_of(doc, &DEPENDENCIES);
        linked.extend(self.members(doc));
        linked.extend(self.outgoing(doc).iter().filter_map(Relation::stack).flat_map(|stack| self.answering(stack)));
        for key in self.possible_keys(&self.identity(doc)) {
            let sources = self.sources(&key).into_iter();
            let sources = sources.filter(|(_, relation_type)| DEPENDENCIES.contains(relation_type));
            linked.extend(sources.map(|(source, _)| source));
        }
        linked
    }

    fn targets_of(&self, doc: Doc, relation_types: &[&str]) -> BTreeSet<Doc> {
        self.outgoing(doc)
            .iter()
            .filter(|relation| relation_types.contains(&relation.relation_type.as_str()))
            .flat_map(|relation| self.answering(&relation.target))
            .collect()
    }

    /// Entities with a relation to any key of this one.
    fn sources_of(&self, identity: &Identity) -> BTreeSet<Doc> {
        let keys = self.possible_keys(identity);
        keys.iter().flat_map(|key| self.sources(key)).map(|(source, _)| source).collect()
    }

    /// Existing entities that a key leads to, or would if others let go of it.
    fn answering(&self, key: &Key) -> BTreeSet<Doc> {
        let claims = self.claims(key);
        let mut docs: BTreeSet<Doc> = claims.iter().filter_map(|claim| self.existing(&claim.identity)).collect();
        docs.extend(self.resolve(key));
        docs.extend(self.overlay.declared.get(key).into_iter().flatten().filter(|doc| self.exists_now(**doc)));
        docs.extend(self.declared_in_base(key));
        docs.extend(key.identity().and_then(|identity| self.existing(&identity)));
        docs
    }
}
