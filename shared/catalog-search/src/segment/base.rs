//! A segment as far as it is loaded. What is asked and not there is named, so that the caller can read it and ask again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::docs::Doc;
use crate::segment::SegmentError;
use crate::segment::absent::{Absent, Counters};
use crate::segment::aliases::Aliases;
use crate::segment::column::Column;
use crate::segment::directory::{Block, Directory};
use crate::segment::entities::Entities;
use crate::segment::file::block_content;
use crate::segment::heads::Heads;

const COLUMN: &str = "c:";
const RELATION: &str = "r:";

/// Columns that are kept, decoded. What is used least goes first, and is read again when it is asked for. Of a million
/// entities, names and titles take some 110 MB together, and a text search asks for both.
pub(crate) const MAX_COLUMN_BYTES: usize = 192 * 1024 * 1024;

/// Blocks that must be loaded first. Load all of them and ask again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} blocks of the segment are not loaded", .0.len())]
pub struct NotLoaded(pub Vec<Block>);

#[derive(Debug, Default)]
pub(crate) struct Base {
    directory: Option<Directory>,
    entities: OnceLock<Entities>,
    heads: OnceLock<Heads>,
    aliases: OnceLock<Aliases>,
    counters: OnceLock<Counters>,
    absent: OnceLock<Absent>,
    /// By type, as sources write it.
    relations: BTreeMap<String, OnceLock<RelationColumn>>,
    columns: Mutex<Columns>,
    /// Set once all but the columns is there.
    ready: OnceLock<()>,
}

/// Relations of one type: by target in the column, by source here.
#[derive(Debug, Default)]
pub(crate) struct RelationColumn {
    pub(crate) column: Column,
    forward: Vec<(Doc, u32)>,
}

#[derive(Debug, Default)]
struct Columns {
    loaded: HashMap<String, (Arc<Column>, u64)>,
    bytes: usize,
    clock: u64,
}

impl Base {
    pub(crate) fn of(directory: Directory) -> Self {
        let relations = directory.blocks().iter().filter_map(|block| block.name.strip_prefix(RELATION));
        let relations = relations.map(|name| (name.to_owned(), OnceLock::new())).collect();
        Self { relations, directory: Some(directory), ..Self::default() }
    }

    pub(crate) fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// How many entities there are: their numbers are those below.
    pub(crate) fn len(&self) -> u32 {
        self.directory.as_ref().map_or(0, Directory::entities)
    }

    pub(crate) fn entities(&self) -> &Entities {
        self.entities.get_or_init(Entities::default)
    }

    pub(crate) fn heads(&self) -> &Heads {
        self.heads.get_or_init(Heads::default)
    }

    pub(crate) fn aliases(&self) -> &Aliases {
        self.aliases.get_or_init(Aliases::default)
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.counters.get_or_init(Counters::default)
    }

    pub(crate) fn absent(&self) -> &Absent {
        self.absent.get_or_init(Absent::default)
    }

    pub(crate) fn relations(&self) -> impl Iterator<Item = (&str, &RelationColumn)> {
        self.relations.iter().map(|(name, column)| (name.as_str(), column.get_or_init(RelationColumn::default)))
    }

    /// Everything but the columns of search rows: what names, relations and changes need.
    pub(crate) fn core(&self) -> Result<(), NotLoaded> {
        let Some(directory) = self.directory.as_ref().filter(|_| self.ready.get().is_none()) else { return Ok(()) };
        let is_loaded = |name: &str| match name {
            "entities" => self.entities.get().is_some(),
            "heads" => self.heads.get().is_some(),
            "aliases" => self.aliases.get().is_some(),
            "counters" => self.counters.get().is_some(),
            "absent" => self.absent.get().is_some(),
            name => {
                let relation = name.strip_prefix(RELATION).and_then(|name| self.relations.get(name));
                relation.is_none_or(|column| column.get().is_some())
            }
        };
        let missing: Vec<Block> = directory.blocks().iter().filter(|block| !is_loaded(&block.name)).cloned().collect();
        if !missing.is_empty() {
            return Err(NotLoaded(missing));
        }
        self.ready.get_or_init(|| ());
        Ok(())
    }

    /// The block of a column of search rows, by its key in lower case.
    pub(crate) fn column_block(&self, key: &str) -> Option<&Block> {
        self.directory.as_ref()?.block(&format!("{COLUMN}{key}"))
    }

    /// Keys in lower case of all columns of search rows.
    pub(crate) fn column_keys(&self) -> impl Iterator<Item = &str> {
        let blocks = self.directory.iter().flat_map(Directory::blocks);
        blocks.filter_map(|block| block.name.strip_prefix(COLUMN))
    }

    pub(crate) fn column(&self, key: &str) -> Option<Arc<Column>> {
        let mut columns = self.lock();
        columns.clock += 1;
        let clock = columns.clock;
        columns.loaded.get_mut(key).map(|(column, used)| {
            *used = clock;
            Arc::clone(column)
        })
    }

    /// Keys of the columns that are loaded now.
    pub(crate) fn loaded_columns(&self) -> Vec<String> {
        self.lock().loaded.keys().cloned().collect()
    }

    /// Takes the range of a block. Twice is as once.
    pub(crate) fn load(&self, block: &Block, range: &[u8]) -> Result<(), SegmentError> {
        let content = block_content(block, range)?;
        let entities = self.len();
        match block.name.as_str() {
            "entities" => drop(self.entities.set(Entities::read(&content, entities)?)),
            "heads" => drop(self.heads.set(Heads::read(&content, entities)?)),
            "aliases" => drop(self.aliases.set(Aliases::read(&content)?)),
            "counters" => drop(self.counters.set(Counters::read(&content, entities)?)),
            "absent" => drop(self.absent.set(Absent::read(&content)?)),
            name => {
                let column = Column::read(&content, entities)?;
                if let Some(place) = name.strip_prefix(RELATION).and_then(|name| self.relations.get(name)) {
                    let forward = column.forward();
                    drop(place.set(RelationColumn { column, forward }));
                } else if let Some(key) = name.strip_prefix(COLUMN) {
                    self.keep(key, column);
                }
            }
        }
        Ok(())
    }

    fn keep(&self, key: &str, column: Column) {
        let mut columns = self.lock();
        columns.clock += 1;
        let used = columns.clock;
        columns.bytes += column.bytes();
        if let Some((old, _)) = columns.loaded.insert(key.to_owned(), (Arc::new(column), used)) {
            columns.bytes -= old.bytes();
        }
        while columns.bytes > MAX_COLUMN_BYTES && columns.loaded.len() > 1 {
            let oldest = columns.loaded.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            let removed = oldest.and_then(|key| columns.loaded.remove(&key));
            columns.bytes -= removed.map_or(0, |(column, _)| column.bytes());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Columns> {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let relations: usize = self.relations().map(|(_, relation)| relation.bytes()).sum();
        let core = self.entities().bytes() + self.heads().bytes() + self.aliases().bytes();
        core + self.counters().bytes() + self.absent().bytes() + relations + self.lock().bytes
    }
}

impl RelationColumn {
    /// Numbers of the targets of an entity.
    pub(crate) fn targets(&self, source: Doc) -> impl Iterator<Item = usize> {
        let first = self.forward.partition_point(|(doc, _)| *doc < source);
        let same = self.forward[first..].iter().take_while(move |(doc, _)| *doc == source);
        same.map(|(_, target)| usize::try_from(*target).unwrap_or(usize::MAX))
    }

    fn bytes(&self) -> usize {
        self.column.bytes() + self.forward.capacity() * size_of::<(Doc, u32)>()
    }
}
