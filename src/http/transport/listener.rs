//! Listening, accepting, draining.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
};

use super::{
    ServerLimits, Service, TlsConfig, TrustedProxies,
    connection::ServerConnection,
    connection_limiter::{ConnectionLimiter, ConnectionPermit},
};
use crate::telemetry::Metrics;

/// Settings of the server.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Sizes, timeouts and numbers of connections.
    pub limits: ServerLimits,
}

/// What serves the endpoints and pages.
pub struct HttpServer {
    pub(super) service: Arc<dyn Service>,
    pub(super) config: ServerConfig,
    metrics: Arc<Metrics>,
    tls: Option<Arc<TlsConfig>>,
    pub(super) leaving: Arc<AtomicBool>,
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A server that has its port, and lets nobody in yet: connections are refused, so that whoever
/// balances load tries elsewhere.
pub struct BoundListener {
    server: Arc<HttpServer>,
    socket: TcpSocket,
}

/// A server whose port is open.
pub struct Listening {
    server: Arc<HttpServer>,
    listener: TcpListener,
}

impl HttpServer {
    /// A server whose requests `service` answers.
    pub fn new(service: Arc<dyn Service>, config: ServerConfig, metrics: Arc<Metrics>) -> Self {
        Self { service, config, metrics, tls: None, leaving: Arc::default() }
    }

    /// Speaks TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<TlsConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Takes the port, so that it is nobody else's.
    pub fn bind(self, address: SocketAddr) -> io::Result<BoundListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Connections of the process before may linger on it.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(BoundListener { server: Arc::new(self), socket })
    }

    /// Takes the port and opens it.
    pub fn listen(self, address: SocketAddr) -> io::Result<Listening> {
        self.bind(address)?.open()
    }
}

impl BoundListener {
    /// Opens the port.
    pub fn open(self) -> io::Result<Listening> {
        Ok(Listening { server: self.server, listener: self.socket.listen(BACKLOG)? })
    }
}

impl Listening {
    /// The address that was bound: the port, where 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Once this is true, each answer of HTTP/1 is its connection's last: whoever goes on has moved
    /// elsewhere before idle connections are closed, which cuts requests that are under way to them.
    pub fn draining(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.server.leaving)
    }

    /// Serves until `stop` turns true, then lets requests in flight finish for at most `drain`.
    pub async fn serve(self, mut stop: watch::Receiver<bool>, drain: Duration) {
        let limits = self.server.config.limits;
        let places = ConnectionLimiter::new(limits.connections, limits.connections_of_address);
        let acceptor = self.server.tls.as_ref().map(|tls| tls.acceptor());
        // Whoever may have a request in flight holds a sender; nothing is ever sent.
        let (busy, mut all_done) = mpsc::channel::<Infallible>(1);
        let asked = stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&places) => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let open = self.server.metrics.connection_opened();
            let server = Arc::clone(&self.server);
            let connection = ServerConnection::new(server, peer.ip(), asked.clone(), busy.clone());
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                connection.serve(stream, acceptor).await;
                drop((place, open));
            });
        }
        drop((self.listener, busy));
        if tokio::time::timeout(drain, all_done.recv()).await.is_err() {
            tracing::warn!(
                "requests in flight took longer than the drain timeout and were cut off"
            );
        }
    }

    /// The next connection, once there is a place for it.
    async fn accept(
        &self,
        places: &Arc<ConnectionLimiter>,
    ) -> Option<(TcpStream, SocketAddr, ConnectionPermit)> {
        let free = places.free().await?;
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let proxies = &self.server.config.trusted_proxies;
                let place = places.give(free, peer.ip(), proxies)?;
                let _ = stream.set_nodelay(true);
                Some((stream, peer, place))
            }
            Err(error) => {
                // Out of file descriptors, mostly: those that end make room.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}
