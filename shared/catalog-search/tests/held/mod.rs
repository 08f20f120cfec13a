//! A catalog and the file of the segment that it stands on, of which nothing is loaded before it is asked for.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

use catalog_search::{Catalog, Directory, IndexRow, NotLoaded, SegmentFile};

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) catalog: Catalog,
    pub(crate) file: Option<SegmentFile>,
}

impl Held {
    pub(crate) fn ask<T>(&self, question: impl Fn(&Catalog) -> Result<T, NotLoaded>) -> T {
        for _ in 0..10 {
            match question(&self.catalog) {
                Ok(answer) => return answer,
                Err(NotLoaded(blocks)) => {
                    for block in blocks {
                        let from = usize::try_from(block.offset).unwrap();
                        let to = from + usize::try_from(block.bytes).unwrap();
                        self.catalog.load(&block, &self.file.as_ref().unwrap().content[from..to]).unwrap();
                    }
                }
            }
        }
        panic!("a question that needs ever more blocks");
    }

    pub(crate) fn apply(&mut self, rows: impl IntoIterator<Item = IndexRow>) -> usize {
        self.ask(Catalog::ready);
        self.catalog.apply(rows).unwrap()
    }

    pub(crate) fn compacted(&self) -> SegmentFile {
        self.ask(Catalog::ready);
        self.catalog.compact(self.file.as_ref().map(|file| file.content.as_slice()), 7, "rules").unwrap()
    }

    /// The same on a segment of its own, from the file as a reader finds it.
    pub(crate) fn compact(&mut self) {
        let (file, directory) = SegmentFile::open(self.compacted().content).unwrap();
        assert_eq!(directory, read_as_head_says(&file));
        let mut next = Self { catalog: Catalog::on(directory), file: Some(file) };
        next.ask(Catalog::ready);
        next.catalog.take_over_stamps(&self.catalog).unwrap();
        *self = next;
    }
}

fn read_as_head_says(file: &SegmentFile) -> Directory {
    let from = usize::try_from(file.head.directory_offset).unwrap();
    let to = from + usize::try_from(file.head.directory_bytes).unwrap();
    Directory::parse(&file.content[from..to], &file.head).unwrap()
}
