//! Starting, watching and stopping a whole stack.

use std::{
    fmt,
    fs::{File, TryLockError},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bearer_token::StaticTokens;
use catalog_store::CatalogStore;
use delivery::cors::Cors;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    DeadLetter, PortError, ScheduleError, SendError, Standing, StateError, TableError, TableFolderError,
    apart::{self, TableLock},
    api::{self, Api},
    beside,
    config_aggregator::Aggregator,
    connected, door,
    dynamodb::{self, TableStream},
    functions::{FunctionError, Functions},
    gateway,
    invoke::{self, Invoke},
    ports::{self, Endpoints, Ports},
    queues::Queues,
    s3::{
        self,
        notification::Change,
        objects::{Attributes, Objects, WriteCondition, plain_etag},
    },
    schedules,
    state::{Durability, State},
    stream,
    tasks::Group,
    wiring, workers,
};

/// How a stack is started.
#[derive(Debug, Clone)]
pub struct StackOptions {
    pub ports: Ports,
    /// Folder of everything that is kept; none is a temporary one.
    pub data: Option<PathBuf>,
    /// Bearer token that every API request must bring: it is all that the authorizer takes, unless `authorizer` says more.
    pub token: Option<String>,
    /// Whose tokens the authorizer takes besides. Without this and a token, the API is open.
    pub authorizer: Option<authorizer::Settings>,
    /// Origins of web pages that may read answers.
    pub cors: Cors,
    /// Where DynamoDB listens already, for the same data folder: see [`crate::DynamoDb`].
    pub dynamodb: Option<SocketAddr>,
    /// The file of ownership that is to count from now on. `None`: the one that is there, if there is one.
    pub ownership: Option<String>,
    /// Interval of the index's compaction, if not the template's.
    pub compact_every: Option<Duration>,
    /// Wait before the first retry of a message or a stream batch; it doubles with every further one, up to 2 s.
    pub retry_delay: Duration,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            ports: Ports::Ephemeral,
            data: None,
            token: None,
            authorizer: None,
            cors: Cors::default(),
            dynamodb: None,
            ownership: None,
            compact_every: None,
            retry_delay: Duration::from_millis(200),
        }
    }
}

/// A stack that could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error("could not use the data folder `{}`", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the data folder `{}` is in use by another stack", path.display())]
    InUse { path: PathBuf },
    #[error("DynamoDB in a process of its own needs a data folder that both use")]
    NoFolder,
    #[error(transparent)]
    TableFolder(#[from] TableFolderError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("could not open the object store")]
    Objects(#[source] s3s::S3Error),
}

/// An object that could not be put.
#[derive(Debug, thiserror::Error)]
#[error("could not put object `{key}` into `{bucket}`")]
pub struct PutError {
    bucket: String,
    key: String,
    #[source]
    source: s3s::S3Error,
}

/// A running stack. Dropping it is as a crash: everything ends where it stands. [`Self::shutdown`] ends in order.
pub struct Stack {
    endpoints: Endpoints,
    functions: Functions,
    state: Arc<State>,
    queues: Arc<Queues>,
    objects: Objects,
    aggregator: Aggregator,
    stream: Arc<TableStream>,
    invocations: Arc<AtomicUsize>,
    catalog: OnceLock<CatalogStore>,
    doors: Group,
    consumers: Group,
    services: Group,
    /// Last, so that the folder outlives what is open in it.
    _table_lock: Option<TableLock>,
    _lock: File,
    _temporary: Option<TempDir>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

impl Stack {
    /// Starts a stack: opens or makes its data, table and buckets, then listens and delivers. `functions` gets the
    /// endpoints that its clients are to use.
    ///
    /// # Errors
    /// Fails when a port is taken, or the data folder cannot be used or was written by something else.
    pub async fn start(
        options: StackOptions,
        functions: impl FnOnce(&Endpoints) -> Functions,
    ) -> Result<Self, StartError> {
        if options.dynamodb.is_some() && options.data.is_none() {
            return Err(StartError::NoFolder);
        }
        let listeners = ports::listen(options.ports, options.dynamodb).await?;
        let endpoints = listeners.endpoints;
        let (folder, temporary) = folder(options.data.as_deref())?;
        let lock = lock(&folder)?;
        let durability = if temporary.is_some() { Durability::Temporary } else { Durability::Synced };

        let state = Arc::new(State::open(&folder.join("stack.sqlite"), durability)?);
        let queues = Arc::new(Queues::open(Arc::clone(&state))?);
        let objects = Objects::open(&folder.join("objects"), Arc::clone(&state), Arc::clone(&queues));
        let objects = objects.map_err(StartError::Objects)?;
        for bucket in wiring::BUCKETS {
            objects.create_bucket(bucket.name, Timestamp::now()).map_err(StartError::Objects)?;
        }
        // Before anything runs: each function reads it once.
        if let Some(text) = options.ownership {
            let (bucket, key) = (wiring::CATALOG_BUCKET.name, catalog_store::OWNERSHIP_KEY);
            put_silently(&objects, bucket, key, text.into_bytes(), []).await.map_err(StartError::Objects)?;
        }
        let (mut doors, mut consumers, mut services) = (Group::new(), Group::new(), Group::new());
        let table_lock = match listeners.dynamodb {
            None => apart::check(&folder, endpoints.dynamodb).map(|()| None)?,
            Some(listener) => {
                let table_lock = TableLock::take(&folder, endpoints.dynamodb)?;
                dynamodb::serve(&mut services, listener, dynamodb::open(&apart::table_file(&folder), durability)?);
                Some(table_lock)
            }
        };
        let stream = Arc::new(TableStream::open(&apart::table_file(&folder), durability)?);
        let mut functions = functions(&endpoints);
        let admitted = admitted(options.authorizer, options.token.as_deref());
        let is_closed = admitted.is_some();
        if let Some(settings) = admitted {
            functions = door::with_authorizer(functions, settings);
        }
        services.serve(listeners.s3, s3::router(objects.clone()));
        for queue in wiring::QUEUES {
            for _ in 0..workers::WORKERS_PER_QUEUE {
                let stop = consumers.stop.subscribe();
                let (queues, functions) = (Arc::clone(&queues), functions.clone());
                consumers.spawn(workers::run(queue, queues, functions, options.retry_delay, stop));
            }
        }
        let stop = consumers.stop.subscribe();
        let (followed, notes) = (Arc::clone(&stream), Arc::clone(&queues));
        consumers.spawn(stream::run(followed, functions.clone(), notes, options.retry_delay, stop));
        let invocations = Arc::new(AtomicUsize::new(0));
        let invoke = Invoke {
            functions: functions.clone(),
            queues: Arc::clone(&queues),
            retry_delay: options.retry_delay,
            pending: Arc::clone(&invocations),
        };
        for schedule in wiring::SCHEDULES {
            let every = options.compact_every.filter(|_| *schedule == wiring::COMPACTION);
            consumers.spawn(schedules::run(schedule, every, invoke.clone(), consumers.stop.subscribe())?);
        }
        let aggregator = aggregator_of(&state)?;
        let beside = beside::router(Arc::clone(&state), aggregator.clone());
        doors.serve(listeners.invoke, invoke::router(invoke).merge(beside));
        let cors = Arc::new(options.cors);
        doors.serve(listeners.api, api::router(Api { functions: functions.clone(), is_closed, cors }));
        Ok(Self {
            endpoints,
            functions,
            state,
            queues,
            objects,
            aggregator,
            stream,
            invocations,
            catalog: OnceLock::new(),
            doors,
            consumers,
            services,
            _table_lock: table_lock,
            _lock: lock,
            _temporary: temporary,
        })
    }

    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints
    }

    /// Sends a message body to a queue, by the queue's name in [`wiring::QUEUES`]. Returns the message id.
    ///
    /// # Errors
    /// Fails for an unknown queue and a body over 1 MiB.
    pub fn send(&self, queue: &str, body: &str) -> Result<String, SendError> {
        if queue == wiring::CONFIG_QUEUE.name {
            self.tell_aggregator(body)?;
        }
        self.queues.send(queue, body, Timestamp::now())
    }

    /// Config's aggregator: what it holds is what the messages to `ConfigQueue` said, whatever became of them.
    #[must_use]
    pub fn aggregator(&self) -> &Aggregator {
        &self.aggregator
    }

    /// In AWS, Config tells its aggregator and its rule at once.
    fn tell_aggregator(&self, body: &str) -> Result<(), SendError> {
        let Ok(document) = serde_json::from_str(body) else { return Ok(()) };
        for (name, text) in self.aggregator.hear(&document) {
            self.state.set_fact(&name, &text)?;
        }
        Ok(())
    }

    /// Gives an EventBridge event to the rules. Returns the id of the message in each queue that a rule sent it to;
    /// none when no rule matches, which is no error.
    ///
    /// # Errors
    /// Fails for an event over 1 MiB.
    pub fn put_event(&self, event: &Value) -> Result<Vec<String>, SendError> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let (source, detail_type) = (text("source"), text("detail-type"));
        let detail = event.get("detail").unwrap_or(&Value::Null);
        let rules = wiring::RULES.iter().filter(|rule| rule.matches(source, detail_type, detail));
        rules.map(|rule| self.send(rule.queue, &event.to_string())).collect()
    }

    /// The records behind the API, as the functions read them.
    #[must_use]
    pub fn catalog(&self) -> &CatalogStore {
        self.catalog.get_or_init(|| connected::catalog(&self.endpoints))
    }

    /// Invokes a function directly and waits for its answer.
    ///
    /// # Errors
    /// The function's own, or that there is none of this name.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, FunctionError> {
        self.functions.invoke(function, event).await
    }

    /// GET of a path with its query, from the API but past its door: no token is asked for. Status and body, `null`
    /// where it is no JSON.
    ///
    /// # Errors
    /// The function's own, or that the path is none.
    pub async fn get(&self, target: &str) -> Result<(u64, Value), FunctionError> {
        let request = http::Request::get(target).body(());
        let request = request.map_err(|error| FunctionError::new("InvalidPath", format!("`{target}`: {error}")))?;
        let (parts, ()) = request.into_parts();
        let (route, parameters) = gateway::route("GET", parts.uri.path())
            .ok_or_else(|| FunctionError::new("InvalidPath", format!("there is no route for `{target}`")))?;
        let request_id = Uuid::new_v4().to_string();
        let event = gateway::event(&parts, &[], (route, &parameters), Value::Null, &request_id, Timestamp::now());
        let answer = self.invoke(route.function, event).await?;
        let status = answer.get("statusCode").and_then(Value::as_u64).unwrap_or_default();
        let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
        Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// Puts an object with user metadata, and tells nobody: what was in a bucket before the story begins.
    ///
    /// # Errors
    /// Fails for an unknown bucket and when the data folder cannot be written.
    pub async fn put_object_silently(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), PutError> {
        let put = put_silently(&self.objects, bucket, key, body, metadata);
        put.await.map_err(|source| PutError { bucket: bucket.to_owned(), key: key.to_owned(), source })
    }

    /// Where a message stands that [`Self::send`] or [`Self::put_event`] returned the id of.
    ///
    /// # Errors
    /// Fails when the data folder cannot be read.
    pub fn standing(&self, message_id: &str) -> Result<Standing, StateError> {
        self.queues.standing(message_id)
    }

    /// Where a message stands once its tries are over: accepted or dead. Messages of a queue without its function wait
    /// for ever.
    ///
    /// # Errors
    /// Fails when the data folder cannot be read.
    pub async fn settled(&self, message_id: &str) -> Result<Standing, StateError> {
        let mut changes = self.queues.subscribe();
        loop {
            changes.mark_unchanged();
            let standing = self.queues.standing(message_id)?;
            if standing != Standing::Pending || changes.changed().await.is_err() {
                return Ok(standing);
            }
        }
    }

    /// All dead letters, oldest first.
    ///
    /// # Errors
    /// Fails when the data folder cannot be read.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, StateError> {
        self.queues.dead_letters()
    }

    /// A fact that was noted in the data folder.
    ///
    /// # Errors
    /// Fails when the data folder cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StateError> {
        self.state.fact(name)
    }

    /// Notes a fact in the data folder, such as what was replayed into it.
    ///
    /// # Errors
    /// Fails when the data folder cannot be written.
    pub fn note_fact(&self, name: &str, value: &str) -> Result<(), StateError> {
        self.state.set_fact(name, value)
    }

    /// Resolves when all messages are accepted or dead, all of the table's stream is consumed, and no asynchronous
    /// invocation runs. Does not resolve while a function keeps failing on the stream.
    ///
    /// # Errors
    /// Fails when the data folder cannot be read.
    pub async fn idle(&self) -> Result<(), IdleError> {
        let mut changes = self.queues.subscribe();
        loop {
            changes.mark_unchanged();
            let quiet = self.queues.pending()? == 0
                && self.stream.pending()? == 0
                && self.invocations.load(Ordering::SeqCst) == 0
                && self.queues.pending()? == 0;
            if quiet && !changes.has_changed().unwrap_or(false) {
                return Ok(());
            }
            // The stream has no change to wait for: it is looked at again as often as its reader does.
            let _either = tokio::time::timeout(Duration::from_millis(10), changes.changed()).await;
        }
    }

    /// Stops: no new requests, batches in hand finished, then the services under them.
    pub async fn shutdown(self) {
        self.doors.end().await;
        self.consumers.end().await;
        self.services.end().await;
    }
}

async fn put_silently(
    objects: &Objects,
    bucket: &str,
    key: &str,
    body: Vec<u8>,
    metadata: impl IntoIterator<Item = (String, String)>,
) -> Result<(), s3s::S3Error> {
    let stream = futures::stream::iter([Ok::<_, std::io::Error>(body.into())]);
    let written = objects.write_body(stream).await?;
    let etag = plain_etag(&written);
    let attributes = Attributes { metadata: metadata.into_iter().collect(), ..Attributes::default() };
    let change = Change { event: None, bucket, key };
    objects.put(&change, written, &etag, &attributes, WriteCondition::default(), Timestamp::now())
}

/// Whether the stack is idle could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum IdleError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The aggregator with what it held when the data folder was last in use.
fn aggregator_of(state: &State) -> Result<Aggregator, StateError> {
    let aggregator = Aggregator::new();
    for text in state.facts_beginning("config item ")? {
        aggregator.remember(&text);
    }
    Ok(aggregator)
}

/// Whose tokens are taken; none where everybody is admitted. Here a token is all that there is, so it may export, too.
fn admitted(settings: Option<authorizer::Settings>, token: Option<&str>) -> Option<authorizer::Settings> {
    let Some(token) = token else { return settings };
    let static_tokens = StaticTokens::of_token("token", token);
    Some(authorizer::Settings { static_tokens, may_export: true, ..settings.unwrap_or_default() })
}

fn folder(data: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), StartError> {
    if let Some(path) = data {
        let error = |source| StartError::Folder { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(error)?;
        return Ok((path.to_owned(), None));
    }
    let temporary = tempfile::Builder::new().prefix("callboard-").tempdir();
    let temporary = temporary.map_err(|source| StartError::Folder { path: std::env::temp_dir(), source })?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// Two stacks on the same files would take each other's messages. The lock goes with the process, however it ends.
fn lock(folder: &Path) -> Result<File, StartError> {
    let error = |source| StartError::Folder { path: folder.to_owned(), source };
    let file = File::create(folder.join("lock")).map_err(error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(error(source)),
    }
}
