//! How far a long object is, told while it is read and written.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

const INTERVAL: Duration = Duration::from_secs(1);

/// Counts, and a line of the log for them at most once a second.
pub(crate) struct Progress {
    step: &'static str,
    total_bytes: u64,
    bytes: Cell<u64>,
    documents: Cell<u64>,
    written: Cell<u64>,
    began: Instant,
    told: Cell<Instant>,
}

impl Progress {
    /// `step` is what is going on: a long object is read twice.
    pub(crate) fn new(step: &'static str, total_bytes: u64) -> Self {
        let now = Instant::now();
        let zero = || Cell::new(0);
        Self { step, total_bytes, bytes: zero(), documents: zero(), written: zero(), began: now, told: Cell::new(now) }
    }

    pub(crate) fn read_bytes(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + u64::try_from(bytes).unwrap_or_default());
        self.tell();
    }

    /// All documents so far.
    pub(crate) fn read_documents(&self, documents: u64) {
        self.documents.set(documents);
    }

    pub(crate) fn read_document(&self) {
        self.documents.set(self.documents.get() + 1);
    }

    /// All fragments so far.
    pub(crate) fn wrote(&self, written: u64) {
        self.written.set(written);
        self.tell();
    }

    fn tell(&self) {
        if self.told.get().elapsed() >= INTERVAL {
            self.told.set(Instant::now());
            self.log("loading");
        }
    }

    pub(crate) fn log(&self, message: &'static str) {
        info!(
            step = self.step,
            documents = self.documents.get(),
            written = self.written.get(),
            bytes = self.bytes.get(),
            total_bytes = self.total_bytes,
            elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "{message}"
        );
    }
}
