//! The immutable part of the index: one file, each column of it a byte range of its own.
//!
//! ```text
//! file      = magic, block*, directory, trailer
//! magic     = "CBSEGMT1"
//! block     = a zstd frame; its content by the first part of its name:
//!             "entities"       uids, identities, counters, derived names     entities.rs
//!             "heads"          kind, namespace, name, what decides on names and inheritance    heads.rs
//!             "aliases"        who claims a name or a secondary id            aliases.rs
//!             "absent"         records that are no entity: gone, or broken    absent.rs
//!             "c:<key>"        search rows of one key                         column.rs
//!             "r:<type>"       relations of one type, by the key they point at   column.rs
//! directory = a zstd frame of JSON: format, rules, last sequence number, number of entities, and of each block its name,
//!             place, length, length when decompressed, and SHA-256           directory.rs
//! trailer   = place and length of the directory (u64, u64, little-endian), magic
//! ```
//!
//! Entities are numbered in the order of their uids, so a list of numbers is in the order in which Backstage breaks
//! ties. Everything is written in one canonical order: equal catalogs give equal blocks, but for "counters", which
//! says how new each record was.

pub(crate) mod absent;
pub(crate) mod aliases;
pub(crate) mod base;
mod by_entity;
pub(crate) mod bytes;
pub(crate) mod column;
pub(crate) mod directory;
pub(crate) mod entities;
pub(crate) mod file;
pub(crate) mod heads;
pub(crate) mod texts;

pub use directory::{Block, Directory};
pub use file::{SegmentFile, SegmentHead};

/// The format that is written. All formats up to it are read.
pub const FORMAT: u32 = 1;

pub(crate) const MAGIC: &[u8; 8] = b"CBSEGMT1";

/// A block when decompressed: ten times the longest column of a million entities.
pub(crate) const MAX_BLOCK_BYTES: u64 = 1024 * 1024 * 1024;

/// A directory when decompressed: some half a million columns.
pub(crate) const MAX_DIRECTORY_BYTES: u64 = 64 * 1024 * 1024;

/// Entities of one segment: their numbers are of 32 bits, with room for those that come after.
pub(crate) const MAX_ENTITIES: u32 = 1 << 30;

/// A segment that cannot be used. None of them is served in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    #[error("the file is no segment: {detail}")]
    File { detail: &'static str },
    #[error(
        "the segment has format {found}, and this build reads up to {FORMAT}; deploy a newer one or rebuild the index"
    )]
    Future { found: u32 },
    #[error("the directory of the segment cannot be read: {detail}")]
    Directory { detail: String },
    #[error("block `{name}` of the segment is damaged: {detail}")]
    Damaged { name: String, detail: &'static str },
    #[error("a block of {block} cannot be read: {detail}")]
    Block { block: &'static str, detail: &'static str },
    #[error("block `{name}` of the segment is needed and not loaded")]
    NotLoaded { name: String },
}
