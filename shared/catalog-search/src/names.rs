//! Which keys lead to an entity, and under which name it is shown.

use std::collections::BTreeSet;

use catalog_model::{Claim, EntityRef, Identity, Key};

use crate::catalog::Catalog;
use crate::docs::Doc;
use crate::row::derived_ref_of;
use crate::segment::heads::StoredNaming;

impl Catalog {
    pub(crate) fn doc_of_derived_name(&self, name: &Key) -> Option<Doc> {
        let of_base = || {
            let name = name.entity_ref()?;
            let is_derived = name.kind() == "resource" && name.namespace() == catalog_model::DEFAULT_NAMESPACE;
            is_derived.then(|| self.base.entities().of_derived_name(name.name()))?
        };
        self.overlay.derived.get(name).copied().or_else(of_base)
    }

    pub(crate) fn resolve(&self, key: &Key) -> Option<Doc> {
        // A derived name always answers, whoever claims it.
        if let Some(doc) = self.doc_of_derived_name(key).filter(|doc| self.exists_now(*doc)) {
            return Some(doc);
        }
        let own = key.identity().and_then(|identity| self.existing(&identity).map(|doc| (true, identity, doc)));
        let claims = self.claims(key).into_iter();
        let claimed = claims.filter_map(|claim| {
            let doc = self.existing(&claim.identity)?;
            Some((!claim.by_arn, claim.identity, doc))
        });
        claimed.chain(own).min().map(|(_, _, doc)| doc)
    }

    pub(crate) fn claims(&self, key: &Key) -> BTreeSet<Claim> {
        if let Some(alias) = self.overlay.aliases.get(key) {
            return alias.claims.clone();
        }
        let aliases = self.base.aliases();
        aliases.place_of(key).map(|at| aliases.claims(at)).unwrap_or_default()
    }

    /// Keys that an identity claims.
    fn claimed_keys(&self, identity: &Identity) -> BTreeSet<Key> {
        let mut keys = self.overlay.claimed.get(identity).cloned().unwrap_or_default();
        let aliases = self.base.aliases();
        let of_base = aliases.claimed_by(identity).map(|at| Key::from_stored(aliases.key(at)));
        keys.extend(of_base.filter(|key| !self.overlay.aliases.contains_key(key)));
        keys
    }

    /// Keys that lead to an entity, if it holds them.
    pub(crate) fn possible_keys(&self, identity: &Identity) -> BTreeSet<Key> {
        let mut keys = self.claimed_keys(identity);
        keys.insert(identity.key());
        keys.extend(derived_ref_of(identity).map(|derived| Key::of_ref(&derived)));
        keys
    }

    /// All keys that lead to an existing entity.
    pub(crate) fn keys(&self, doc: Doc) -> BTreeSet<Key> {
        let mut keys = self.possible_keys(&self.identity(doc));
        keys.retain(|key| self.resolve(key) == Some(doc));
        keys
    }

    pub(crate) fn ref_of(&self, doc: Doc) -> EntityRef {
        let derived = || catalog_model::derived_ref(&self.identity(doc));
        if self.overlay.superseded.contains(doc) || !self.is_of_base(doc) {
            let Some(live) = self.overlay.live(doc) else { return derived() };
            return live.shape.as_ref().map_or_else(|| live.entry.declared_ref(), |shape| shape.reference.clone());
        }
        if let Some(shape) = self.overlay.followers.get(&doc) {
            return shape.reference.clone();
        }
        match self.base.heads().followed(doc).naming {
            StoredNaming::Own => self.base.heads().head(doc).declared_ref(),
            StoredNaming::Derived | StoredNaming::TakenBy(_) => derived(),
        }
    }
}
