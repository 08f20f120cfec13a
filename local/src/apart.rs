//! DynamoDB in a process of its own: so that what it takes of the machine can be told from what the functions take.
//!
//! Both processes use one data folder. The table's file belongs to the process that serves it, and says by a lock that it
//! is served and by an address where; the stack reads and trims the table's stream through the same file.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::{
    dynamodb,
    ports::{self, DYNAMODB},
    stack::StartError,
    state::Durability,
    tasks::Group,
};

const LOCK: &str = "dynamodb.lock";
const ADDRESS: &str = "dynamodb.address";
const TABLE: &str = "dynamodb.sqlite";

/// A table that somebody else serves, or nobody.
#[derive(Debug, thiserror::Error)]
pub enum TableFolderError {
    #[error("could not use the table in the data folder `{}`", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the table in the data folder `{}` is served by another process", path.display())]
    InUse { path: PathBuf },
    #[error(
        "nobody serves the table in the data folder `{}`; start `callboard dynamodb --data` with the same folder first",
        path.display()
    )]
    NotServed { path: PathBuf },
    #[error("the table in the data folder `{}` is served at http://{found}, and not at http://{asked}", path.display())]
    Elsewhere { path: PathBuf, found: String, asked: SocketAddr },
}

/// The lock on a folder's table: it goes with the process, however that ends.
#[derive(Debug)]
pub(crate) struct TableLock(#[expect(dead_code, reason = "held, and never looked at")] File);

impl TableLock {
    /// Takes the table of a folder for this process, which serves it at `address`.
    pub(crate) fn take(folder: &Path, address: SocketAddr) -> Result<Self, TableFolderError> {
        let error = |source| TableFolderError::Folder { path: folder.to_owned(), source };
        let file = File::create(folder.join(LOCK)).map_err(error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TableFolderError::InUse { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(error(source)),
        }
        fs::write(folder.join(ADDRESS), address.to_string()).map_err(error)?;
        Ok(Self(file))
    }
}

/// That the table of this folder is served at this address.
pub(crate) fn check(folder: &Path, address: SocketAddr) -> Result<(), TableFolderError> {
    let error = |source| TableFolderError::Folder { path: folder.to_owned(), source };
    let not_served = || TableFolderError::NotServed { path: folder.to_owned() };
    match File::open(folder.join(LOCK)) {
        Ok(file) => match file.try_lock() {
            Ok(()) => return Err(not_served()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(error(source)),
        },
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(not_served()),
        Err(source) => return Err(error(source)),
    }
    let found = fs::read_to_string(folder.join(ADDRESS)).map_err(error)?;
    if found != address.to_string() {
        return Err(TableFolderError::Elsewhere { path: folder.to_owned(), found, asked: address });
    }
    Ok(())
}

/// The file of a folder's table.
pub(crate) fn table_file(folder: &Path) -> PathBuf {
    folder.join(TABLE)
}

/// DynamoDB alone, until it is shut down.
pub struct DynamoDb {
    address: SocketAddr,
    services: Group,
    /// Last, so that nobody else opens the table before it is closed.
    _lock: TableLock,
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoDb").field("address", &self.address).finish_non_exhaustive()
    }
}

impl DynamoDb {
    /// Serves the table of a data folder, which is made where it is missing, at a port of loopback; 0 is any free one.
    ///
    /// # Errors
    /// Fails when the port is taken, or the folder's table is served by another process or cannot be opened.
    pub async fn start(port: u16, folder: &Path) -> Result<Self, StartError> {
        let (listener, address) = ports::listen_at(port, DYNAMODB).await?;
        fs::create_dir_all(folder).map_err(|source| TableFolderError::Folder { path: folder.to_owned(), source })?;
        let lock = TableLock::take(folder, address)?;
        let database = dynamodb::open(&table_file(folder), Durability::Synced)?;
        let mut services = Group::new();
        dynamodb::serve(&mut services, listener, database);
        Ok(Self { address, services, _lock: lock })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: requests in hand are finished.
    pub async fn shutdown(self) {
        self.services.end().await;
    }
}
