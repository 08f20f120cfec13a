//! The four ports of a stack, on loopback alone.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// Which ports a stack listens on, all on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Four free ports, for tests.
    Ephemeral,
    /// API at this port; DynamoDB, S3 and Lambda's Invoke API at the three after it. Where DynamoDB is a process of its
    /// own, its port stays free.
    From(u16),
}

/// Where a stack listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoints {
    pub api: SocketAddr,
    pub dynamodb: SocketAddr,
    pub s3: SocketAddr,
    pub invoke: SocketAddr,
}

impl Endpoints {
    /// Of a stack that listens from this port on. `None`: there is no room for four.
    #[must_use]
    pub fn from_base(base: u16) -> Option<Self> {
        let at = |offset: u16| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, base.checked_add(offset)?)));
        Some(Self { api: at(0)?, dynamodb: at(1)?, s3: at(2)?, invoke: at(3)? })
    }

    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    #[must_use]
    pub fn dynamodb_url(&self) -> String {
        format!("http://{}", self.dynamodb)
    }

    #[must_use]
    pub fn s3_url(&self) -> String {
        format!("http://{}", self.s3)
    }

    #[must_use]
    pub fn invoke_url(&self) -> String {
        format!("http://{}", self.invoke)
    }
}

pub(crate) const DYNAMODB: &str = "DynamoDB";

/// A port that a stack cannot listen on.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error("port {port} for {service} is in use or not allowed; choose another with --port-base or --port")]
    Taken {
        port: u16,
        service: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("--port-base {base} leaves no room for four ports; it is from 1 to {}", u16::MAX - 3)]
    Base { base: u16 },
}

pub(crate) struct Listeners {
    pub(crate) endpoints: Endpoints,
    pub(crate) api: TcpListener,
    /// None where it listens in a process of its own.
    pub(crate) dynamodb: Option<TcpListener>,
    pub(crate) s3: TcpListener,
    pub(crate) invoke: TcpListener,
}

/// One port on loopback.
pub(crate) async fn listen_at(port: u16, service: &'static str) -> Result<(TcpListener, SocketAddr), PortError> {
    let error = |source| PortError::Taken { port, service, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok((listener, address))
}

/// Binds all ports, so that a start fails before anything is opened. `dynamodb` is where it listens already, if it does.
pub(crate) async fn listen(ports: Ports, dynamodb: Option<SocketAddr>) -> Result<Listeners, PortError> {
    if let Ports::From(base) = ports
        && (base == 0 || base > u16::MAX - 3)
    {
        return Err(PortError::Base { base });
    }
    let bind = async |offset: u16, service: &'static str| {
        let port = match ports {
            Ports::Ephemeral => 0,
            Ports::From(base) => base + offset,
        };
        listen_at(port, service).await
    };
    let (api, api_address) = bind(0, "the API").await?;
    let (dynamodb, dynamodb_address) = match dynamodb {
        Some(address) => (None, address),
        None => {
            let (listener, address) = bind(1, DYNAMODB).await?;
            (Some(listener), address)
        }
    };
    let (s3, s3_address) = bind(2, "S3").await?;
    let (invoke, invoke_address) = bind(3, "Lambda's Invoke API").await?;
    let endpoints = Endpoints { api: api_address, dynamodb: dynamodb_address, s3: s3_address, invoke: invoke_address };
    Ok(Listeners { endpoints, api, dynamodb, s3, invoke })
}
