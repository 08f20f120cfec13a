//! The stack's own durable state: one SQLite file for queues and the index of objects, so that an object and the
//! messages that announce it are written in one transaction.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Failure of the stack's own state file.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} the stack's state")]
pub struct StateError {
    action: &'static str,
    #[source]
    source: rusqlite::Error,
}

/// What of a state file survives a loss of power. A crash of the process alone loses nothing in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every commit is on disk: the user named a data folder.
    Synced,
    /// Nothing needs to: the folder goes away with the process.
    Temporary,
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    first_received_ms INTEGER,
    receives INTEGER NOT NULL DEFAULT 0,
    visible_ms INTEGER NOT NULL,
    failure TEXT
);
CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, position);
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    attributes TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
";

/// The open state file. Every use is short and synchronous; the lock is never held over an await.
#[derive(Debug)]
pub(crate) struct State {
    connection: Mutex<Connection>,
}

impl State {
    pub(crate) fn open(path: &Path, durability: Durability) -> Result<Self, StateError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            let synchronous = match durability {
                Durability::Synced => "FULL",
                Durability::Temporary => "OFF",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        let connection = open().map_err(|source| StateError { action: "open", source })?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held has rolled its transaction back: the state is as good as before it.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StateError> {
        read(&self.lock()).map_err(|source| StateError { action: "read", source })
    }

    /// Runs `write` in one transaction: all of it or, on an error, nothing.
    pub(crate) fn write<T, E: From<StateError>>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let failed = |source| StateError { action: "write", source };
        let transaction = connection.transaction().map_err(failed)?;
        let value = write(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(value)
    }

    /// A named fact about the whole stack, such as what was replayed.
    pub(crate) fn fact(&self, name: &str) -> Result<Option<String>, StateError> {
        self.read(|connection| {
            connection.query_row("SELECT value FROM facts WHERE name = ?1", [name], |row| row.get(0)).optional()
        })
    }

    /// The values of all facts whose names begin like this.
    pub(crate) fn facts_beginning(&self, start: &str) -> Result<Vec<String>, StateError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM facts WHERE substr(name, 1, ?2) = ?1 ORDER BY name")?;
            let values = statement.query_map(params![start, start.chars().count()], |row| row.get(0))?;
            values.collect()
        })
    }

    pub(crate) fn set_fact(&self, name: &str, value: &str) -> Result<(), StateError> {
        self.write(|transaction| set_fact(transaction, name, value))
    }
}

impl From<rusqlite::Error> for StateError {
    fn from(source: rusqlite::Error) -> Self {
        Self { action: "write", source }
    }
}

pub(crate) fn set_fact(transaction: &Transaction<'_>, name: &str, value: &str) -> Result<(), StateError> {
    transaction.execute(
        "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

/// A number that never repeats and never falls, over restarts and clocks that go back: nanoseconds of `now`, or one
/// more than the last.
pub(crate) fn next_sequence(transaction: &Transaction<'_>, now: jiff::Timestamp) -> Result<u64, StateError> {
    let last: Option<String> =
        transaction.query_row("SELECT value FROM facts WHERE name = 'sequence'", [], |row| row.get(0)).optional()?;
    let last = last.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let next = u64::try_from(now.as_nanosecond()).unwrap_or(0).max(last.saturating_add(1));
    set_fact(transaction, "sequence", &next.to_string())?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_rises_when_the_clock_stands_still_or_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state"), Durability::Temporary).unwrap();
        let next = |now: &str| state.write(|tx| next_sequence(tx, now.parse().unwrap())).unwrap();
        let first = next("2025-01-01T00:00:00Z");
        assert_eq!(next("2025-01-01T00:00:00Z"), first + 1);
        assert_eq!(next("2024-01-01T00:00:00Z"), first + 2);
        assert!(next("2025-01-01T00:00:01Z") > first + 1000);
    }
}
