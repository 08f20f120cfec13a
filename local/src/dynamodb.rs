//! DynamoDB on this machine: the emulator over HTTP, its file, and its stream read and trimmed on a second connection.
//!
//! The emulator finds a stream's next sequence number by a scan of all kept records. With an index on the same
//! expression, added from outside, that is a look-up; with consumed records deleted, the file stays small.

use std::{
    error::Error,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dynoxide::Database;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{REGION, state::Durability, stream_arn, tasks::Group, wiring};

const EXPIRY_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Failure of the embedded DynamoDB.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("could not open the embedded DynamoDB")]
    Open(#[source] dynoxide::DynoxideError),
    #[error("could not create table `{table}`")]
    Create {
        table: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("could not read the table's stream")]
    Stream(#[source] rusqlite::Error),
    #[error("a record of the table's stream cannot be read")]
    Record(#[source] serde_json::Error),
}

/// Opens the database and makes the record table as the template declares it, unless it is there.
pub(crate) fn open(path: &Path, durability: Durability) -> Result<Database, TableError> {
    let database = Database::new(&path.to_string_lossy()).map_err(TableError::Open)?;
    if durability == Durability::Temporary {
        database.enable_bulk_loading().map_err(TableError::Open)?;
    }
    let table = &wiring::TABLE;
    if database.get_table_metadata(table.name).map_err(TableError::Open)?.is_none() {
        create(&database, table).map_err(|source| TableError::Create { table: table.name, source })?;
    }
    Ok(database)
}

fn create(database: &Database, table: &wiring::Table) -> Result<(), Box<dyn Error + Send + Sync>> {
    database.create_table(serde_json::from_value(json!({
        "TableName": table.name,
        "AttributeDefinitions": [
            {"AttributeName": table.partition_key, "AttributeType": "S"},
            {"AttributeName": table.sort_key, "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": table.partition_key, "KeyType": "HASH"},
            {"AttributeName": table.sort_key, "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": wiring::TABLE_STREAM.view},
    }))?)?;
    database.update_time_to_live(serde_json::from_value(json!({
        "TableName": table.name,
        "TimeToLiveSpecification": {"AttributeName": table.time_to_live, "Enabled": true},
    }))?)?;
    Ok(())
}

/// Answers requests, and removes expired items, until the group ends.
pub(crate) fn serve(services: &mut Group, listener: TcpListener, database: Database) {
    services.spawn(expire(database.clone(), services.stopped()));
    let stopped = services.stopped();
    services.spawn(async move {
        if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stopped).await {
            tracing::error!(error, "the embedded DynamoDB ended");
        }
    });
}

/// Removes expired items every hour, as DynamoDB does some time after they expire.
async fn expire(database: Database, stopped: impl Future<Output = ()>) {
    tokio::pin!(stopped);
    loop {
        let sweeper = database.clone();
        match tokio::task::spawn_blocking(move || sweeper.sweep_ttl()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(items)) => tracing::info!(items, "removed expired items"),
            Ok(Err(error)) => tracing::error!(error = &error as &dyn Error, "could not remove expired items"),
            Err(error) => tracing::error!(error = &error as &dyn Error, "removing expired items broke off"),
        }
        tokio::select! {
            () = tokio::time::sleep(EXPIRY_INTERVAL) => {}
            () = &mut stopped => return,
        }
    }
}

/// Records of the stream that were not consumed yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct StreamBatch {
    /// As Lambda's event source hands them over.
    pub(crate) records: Vec<Value>,
    positions: Vec<i64>,
}

/// The record table's stream.
#[derive(Debug)]
pub(crate) struct TableStream {
    connection: Mutex<Connection>,
}

impl TableStream {
    /// Opens the stream beside an open database at `path`.
    pub(crate) fn open(path: &Path, durability: Durability) -> Result<Self, TableError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            // Trimming may be lost: what is read again was delivered before, and Lambda promises no less.
            let synchronous = if durability == Durability::Temporary { "OFF" } else { "NORMAL" };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.execute_batch(
                "CREATE INDEX IF NOT EXISTS callboard_stream_order
                 ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
            )?;
            Ok(connection)
        };
        Ok(Self { connection: Mutex::new(open().map_err(TableError::Stream)?) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records wait to be consumed.
    pub(crate) fn pending(&self) -> Result<u64, TableError> {
        self.lock()
            .query_row("SELECT COUNT(*) FROM _stream_records WHERE table_name = ?1", [wiring::TABLE.name], |row| {
                row.get(0)
            })
            .map_err(TableError::Stream)
    }

    /// The oldest records, at most `max_records` and, but for one record alone, `max_bytes` of images.
    pub(crate) fn read(&self, max_records: u32, max_bytes: usize) -> Result<StreamBatch, TableError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached(
                "SELECT id, event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity
                 FROM _stream_records WHERE table_name = ?1 ORDER BY id LIMIT ?2",
            )
            .map_err(TableError::Stream)?;
        let mut rows = statement.query(params![wiring::TABLE.name, max_records]).map_err(TableError::Stream)?;
        let mut batch = StreamBatch::default();
        let mut bytes = 0;
        while let Some(row) = rows.next().map_err(TableError::Stream)? {
            let row = Row::read(row).map_err(TableError::Stream)?;
            bytes += row.bytes();
            if bytes > max_bytes && !batch.records.is_empty() {
                break;
            }
            batch.positions.push(row.id);
            batch.records.push(row.record().map_err(TableError::Record)?);
        }
        Ok(batch)
    }

    /// Deletes the first `count` records of a batch: they were consumed.
    pub(crate) fn trim(&self, batch: &StreamBatch, count: usize) -> Result<(), TableError> {
        let Some(last) = count.checked_sub(1).and_then(|index| batch.positions.get(index)) else { return Ok(()) };
        self.lock()
            .execute(
                "DELETE FROM _stream_records WHERE table_name = ?1 AND id <= ?2",
                params![wiring::TABLE.name, last],
            )
            .map_err(TableError::Stream)?;
        Ok(())
    }
}

struct Row {
    id: i64,
    event_name: String,
    keys: String,
    new_image: Option<String>,
    old_image: Option<String>,
    sequence_number: String,
    created_secs: i64,
    user_identity: Option<String>,
}

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            event_name: row.get(1)?,
            keys: row.get(2)?,
            new_image: row.get(3)?,
            old_image: row.get(4)?,
            sequence_number: row.get(5)?,
            created_secs: row.get(6)?,
            user_identity: row.get(7)?,
        })
    }

    fn bytes(&self) -> usize {
        let image = |image: &Option<String>| image.as_ref().map_or(0, String::len);
        self.keys.len() + image(&self.new_image) + image(&self.old_image)
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
    fn record(&self) -> Result<Value, serde_json::Error> {
        let mut change = json!({
            "ApproximateCreationDateTime": self.created_secs,
            "Keys": serde_json::from_str::<Value>(&self.keys)?,
            // DynamoDB's numbers have at least 21 digits, the same for all, so that they compare as text.
            "SequenceNumber": format!("1{:0>20}", self.sequence_number),
            "SizeBytes": self.bytes(),
            "StreamViewType": wiring::TABLE_STREAM.view,
        });
        for (name, image) in [("NewImage", &self.new_image), ("OldImage", &self.old_image)] {
            if let Some(image) = image {
                change[name] = serde_json::from_str(image)?;
            }
        }
        let mut record = json!({
            "eventID": format!("{:032x}", self.id),
            "eventName": self.event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "eventSourceARN": stream_arn(),
            "dynamodb": change,
        });
        if let Some(identity) = &self.user_identity {
            record["userIdentity"] = serde_json::from_str(identity)?;
        }
        Ok(record)
    }
}
