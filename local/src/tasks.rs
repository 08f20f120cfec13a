//! Tasks of a stack that end together: told to stop, waited for, and only then cut off.

use std::{future::Future, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// A stop waits this long for a batch, a request or a connection, then goes on without it: what was not settled is
/// delivered again at the next start.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Tasks that stop together.
pub(crate) struct Group {
    pub(crate) stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Group {
    pub(crate) fn new() -> Self {
        Self { stop: watch::Sender::new(false), tasks: Vec::new() }
    }

    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }

    pub(crate) fn serve(&mut self, listener: TcpListener, router: Router) {
        let stopped = self.stopped();
        self.spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a server ended");
            }
        });
    }

    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move {
            let _sender_gone = stop.wait_for(|stop| *stop).await;
        }
    }

    pub(crate) async fn end(mut self) {
        self.stop.send_replace(true);
        let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
        for task in &mut self.tasks {
            let _late = tokio::time::timeout_at(deadline, task).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
