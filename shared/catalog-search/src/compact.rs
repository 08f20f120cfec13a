//! A catalog -> the segment that says the same with nothing left to add.
//!
//! One column of the segment is in memory at a time, and what changed since. The result depends on what the catalog says now, and not on how it came to say it.

use std::collections::{BTreeMap, BTreeSet};

use itertools::Itertools;

use catalog_model::{Claim, RecordKey};

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::flatten::SearchValue;
use crate::overlay::State;
use crate::row::derived_ref_of;
use crate::segment::absent::{Absent, Counters};
use crate::segment::aliases::Aliases;
use crate::segment::base::NotLoaded;
use crate::segment::column::{Column, ColumnWriter, Entry, RankRef};
use crate::segment::entities::Entities;
use crate::segment::file::{FileWriter, block_content};
use crate::segment::heads::{Followed, HeadsWriter, INHERITED_KEYS, StoredNaming};
use crate::segment::{SegmentError, SegmentFile};
use crate::shape::{Naming, Shape};

/// An entity that is not in the segment that is written.
const NOWHERE: Doc = Doc::MAX;

impl Catalog {
    /// The segment of everything up to item `seq` of the log, made by the rules of this hash. `file` is the whole file of the segment that this stands
    /// on, if it stands on one.
    ///
    /// # Errors
    /// Fails if a block of `file` is damaged, or if it is not the file of this segment.
    pub fn compact(&self, file: Option<&[u8]>, seq: u64, rules: &str) -> Result<SegmentFile, SegmentError> {
        self.ready().map_err(|NotLoaded(blocks)| SegmentError::NotLoaded {
            name: blocks.first().map(|block| block.name.clone()).unwrap_or_default(),
        })?;
        let order = self.order();
        let places = self.places(&order);
        let entities =
            Doc::try_from(order.len()).map_err(|_| SegmentError::File { detail: "it would have too many entities" })?;
        let compaction = Compaction { catalog: self, file: file.unwrap_or_default(), order, places };
        let mut writer = FileWriter::new();
        compaction.write_records(&mut writer);
        compaction.write_relations(&mut writer);
        compaction.write_columns(&mut writer)?;
        Ok(writer.finish(rules, seq, entities))
    }

    /// Existing entities by uid.
    fn order(&self) -> Vec<Doc> {
        let of_base = (0..self.base.len()).filter(|doc| self.exists_now(*doc));
        let changed = self.overlay.uids.values().copied().filter(|doc| self.exists_now(*doc));
        of_base.merge_by(changed, |one, other| self.uid(*one) < self.uid(*other)).collect()
    }

    /// The number that each entity gets.
    fn places(&self, order: &[Doc]) -> Vec<Doc> {
        let mut places = vec![NOWHERE; index(self.end())];
        for (place, doc) in (0..).zip(order) {
            places[index(*doc)] = place;
        }
        places
    }
}

struct Compaction<'c> {
    catalog: &'c Catalog,
    file: &'c [u8],
    order: Vec<Doc>,
    places: Vec<Doc>,
}

impl Compaction<'_> {
    fn write_records(&self, writer: &mut FileWriter) {
        let catalog = self.catalog;
        let identities: Vec<_> = self.order.iter().map(|doc| catalog.identity(*doc)).collect();
        let entities = self.order.iter().zip(&identities).map(|(doc, identity)| {
            let has_derived_name = identity.entity_ref().is_none_or(|reference| reference.kind() == "resource");
            (catalog.uid(*doc), identity.as_str(), has_derived_name)
        });
        writer.block("entities".to_owned(), &Entities::write(entities), false);
        drop(identities);
        writer.block("heads".to_owned(), &self.heads(), false);

        let aliases = self.aliases();
        let claimed = aliases.iter().filter(|(_, (claims, ..))| !claims.is_empty());
        writer.block(
            "aliases".to_owned(),
            &Aliases::write(claimed.map(|(key, (claims, ..))| (key.as_str(), claims.clone()))),
            false,
        );
        let counters: Vec<u64> =
            aliases.values().filter(|(claims, ..)| !claims.is_empty()).map(|(_, rv, _)| *rv).collect();
        let of_entities = self.order.iter().map(|doc| match catalog.overlay.slots.get(doc) {
            Some(slot) => slot.rv,
            None => catalog.base.counters().entity(*doc),
        });
        writer.block("counters".to_owned(), &Counters::write(of_entities, &counters), false);
        let absent = self.absent(&aliases);
        let absent = absent.iter().map(|(key, (rv, reason))| (key.as_str(), *rv, reason.as_deref()));
        writer.block("absent".to_owned(), &Absent::write(absent), false);
    }

    fn heads(&self) -> Vec<u8> {
        let catalog = self.catalog;
        let declared: DocSet = catalog.base.heads().declared().iter().copied().collect();
        let mut writer = HeadsWriter::default();
        for doc in &self.order {
            let Some(head) = catalog.head(*doc) else { continue };
            let is_changed = catalog.overlay.slots.contains_key(doc);
            let own_rows: Vec<SearchValue> = match catalog.overlay.live(*doc) {
                _ if !head.may_inherit() => Vec::new(),
                Some(live) => {
                    let rows = live.values.iter(&catalog.overlay.words);
                    rows.filter(|row| INHERITED_KEYS.contains(&row.key)).map(|row| row.to_owned()).collect()
                }
                None => catalog.base.heads().own_rows(*doc).cloned().collect(),
            };
            let has_declared_name = if is_changed {
                let identity = catalog.identity(*doc);
                let derived = derived_ref_of(&identity).filter(|_| identity.is_aws_resource());
                derived.is_some_and(|derived| derived != head.declared_ref())
            } else {
                declared.contains(*doc)
            };
            let reference = has_declared_name.then(|| head.declared_ref().to_string());
            writer.push(head, self.followed(*doc), reference, own_rows);
        }
        writer.finish()
    }

    fn followed(&self, doc: Doc) -> Followed {
        let catalog = self.catalog;
        let shape: Option<&Shape> = match catalog.overlay.live(doc) {
            Some(live) => live.shape.as_ref(),
            None => catalog.overlay.followers.get(&doc),
        };
        let Some(shape) = shape else {
            let Followed { naming, giver } = catalog.base.heads().followed(doc);
            let naming = match naming {
                StoredNaming::TakenBy(holder) => StoredNaming::TakenBy(self.place(holder)),
                other => other,
            };
            return Followed { naming, giver: giver.map(|giver| self.place(giver)) };
        };
        let naming = match &shape.naming {
            Naming::Own => StoredNaming::Own,
            Naming::Derived => StoredNaming::Derived,
            Naming::Taken { holder, .. } => {
                StoredNaming::TakenBy(catalog.number_of(holder).map_or(NOWHERE, |holder| self.place(holder)))
            }
        };
        Followed { naming, giver: shape.inherited.as_ref().map(|inherited| self.place(inherited.giver)) }
    }

    fn place(&self, doc: Doc) -> Doc {
        self.places.get(index(doc)).copied().unwrap_or(NOWHERE)
    }

    /// All alias records: claims, counter, and why one cannot be read.
    fn aliases(&self) -> BTreeMap<String, (BTreeSet<Claim>, u64, Option<String>)> {
        let (aliases, counters) = (self.catalog.base.aliases(), self.catalog.base.counters());
        let mut all: BTreeMap<_, _> = (0..aliases.len())
            .map(|at| (aliases.key(at).to_owned(), (aliases.claims(at), counters.alias(at), None)))
            .collect();
        for (key, alias) in &self.catalog.overlay.aliases {
            all.insert(key.to_string(), (alias.claims.clone(), alias.rv, alias.broken.clone()));
        }
        all
    }

    /// Records that are no entity and no claim: counter, and why one cannot be read.
    fn absent(
        &self,
        aliases: &BTreeMap<String, (BTreeSet<Claim>, u64, Option<String>)>,
    ) -> BTreeMap<String, (u64, Option<String>)> {
        let catalog = self.catalog;
        let is_left = |key: &str| key.parse().is_ok_and(|key| !catalog.is_in_overlay(&key));
        let of_base = catalog.base.absent().iter().filter(|(key, ..)| is_left(key));
        let mut absent: BTreeMap<_, _> =
            of_base.map(|(key, rv, reason)| (key.to_owned(), (rv, reason.map(str::to_owned)))).collect();
        for slot in catalog.overlay.slots.values() {
            let reason = match &slot.state {
                State::Entity(_) => continue,
                State::Gone => None,
                State::Broken(reason) => Some(reason.clone()),
            };
            absent.insert(RecordKey::Entity(slot.identity.clone()).to_string(), (slot.rv, reason));
        }
        let unclaimed = aliases.iter().filter(|(_, (claims, ..))| claims.is_empty());
        absent.extend(unclaimed.map(|(key, (_, rv, reason))| (format!("a#{key}"), (*rv, reason.clone()))));
        absent
    }

    fn write_relations(&self, writer: &mut FileWriter) {
        let mut changed = self.catalog.changed_relations();
        let mut types: BTreeSet<&str> = changed.keys().copied().collect();
        types.extend(self.catalog.base.relations().map(|(relation_type, _)| relation_type));
        let base: BTreeMap<&str, &Column> =
            self.catalog.base.relations().map(|(relation_type, relation)| (relation_type, &relation.column)).collect();
        for relation_type in types {
            let targets = changed.remove(relation_type).unwrap_or_default().into_iter();
            let entries = targets.flat_map(|((target, is_inherited), docs)| {
                let mut places: Vec<Doc> = docs.into_iter().map(|doc| self.place(doc)).collect();
                places.sort_unstable();
                places.into_iter().map(move |place| ((target, target, is_inherited), place))
            });
            let column = base.get(relation_type).copied();
            let merged = self.merged(column, self.catalog.relation_mask(relation_type), entries);
            if let Some(block) = merged.finish(&[]) {
                writer.block(format!("r:{relation_type}"), &block, false);
            }
        }
    }

    fn write_columns(&self, writer: &mut FileWriter) -> Result<(), SegmentError> {
        let overlay = &self.catalog.overlay;
        let following = |doc, shape: &Shape| self.catalog.following_rows(doc, shape);
        let mut changed = overlay.changed_columns(following, |doc| self.place(doc));
        let mut keys: BTreeSet<&str> = changed.keys().copied().collect();
        keys.extend(self.catalog.base.column_keys());
        for key in keys {
            let changed = changed.remove(key).unwrap_or_default();
            let mask = overlay.mask(key);
            let column = self.column_of_file(key)?;
            let merged = self.merged(column.as_ref(), mask, changed.values());
            let of_base = column.iter().flat_map(|column| column.nulls());
            let mut nulls: Vec<Doc> = self.left(of_base, mask).collect();
            nulls.extend(changed.nulls());
            nulls.sort_unstable();
            nulls.dedup();
            let has_marks = merged.has_marks();
            if let Some(block) = merged.finish(&nulls) {
                writer.block(format!("c:{key}"), &block, has_marks);
            }
        }
        Ok(())
    }

    /// A column of the segment, decoded for this once.
    fn column_of_file(&self, key: &str) -> Result<Option<Column>, SegmentError> {
        let Some(block) = self.catalog.base.column_block(key) else { return Ok(None) };
        let range = usize::try_from(block.offset).ok().zip(usize::try_from(block.offset + block.bytes).ok());
        let range = range.and_then(|(from, to)| self.file.get(from..to));
        let range = range.ok_or_else(|| SegmentError::NotLoaded { name: block.name.clone() })?;
        Column::read(&block_content(block, range)?, self.catalog.base.len()).map(Some)
    }

    /// The values of a column of the segment that still hold, and those of what changed, under the new numbers. `changed`
    /// rises, and has new numbers already.
    fn merged<'m>(
        &self,
        column: Option<&'m Column>,
        mask: &DocSet,
        changed: impl Iterator<Item = (RankRef<'m>, Doc)>,
    ) -> ColumnWriter {
        let mut base = column.into_iter().flat_map(Column::entries).peekable();
        let mut changed = changed.peekable();
        let (mut writer, mut docs) = (ColumnWriter::default(), Vec::new());
        while let Some(rank) =
            base.peek().map(Entry::rank).into_iter().chain(changed.peek().map(|(rank, _)| *rank)).min()
        {
            docs.clear();
            if let Some(entry) = base.next_if(|entry| entry.rank() == rank) {
                docs.extend(self.left(entry.docs, mask));
            }
            let of_base = docs.len();
            docs.extend(std::iter::from_fn(|| changed.next_if(|(other, _)| *other == rank)).map(|(_, place)| place));
            if of_base > 0 && docs.len() > of_base {
                docs.sort_unstable();
            }
            writer.push(rank, &docs);
        }
        writer
    }

    /// The new numbers of those of the segment whose rows still hold.
    fn left<'d>(&self, docs: impl IntoIterator<Item = &'d Doc>, mask: &DocSet) -> impl Iterator<Item = Doc> {
        let left = docs.into_iter().filter(|doc| !mask.contains(**doc)).map(|doc| self.place(*doc));
        left.filter(|place| *place != NOWHERE)
    }
}

fn index(doc: Doc) -> usize {
    usize::try_from(doc).unwrap_or(usize::MAX)
}
