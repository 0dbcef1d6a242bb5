//! Listens, accepts connections, and drains them.

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
    HttpServer,
    connection::ServerConnection,
    connection_limiter::{ConnectionLimiter, ConnectionPermit},
};

/// Length of the accept queue.
const BACKLOG: u32 = 1024;

/// A server that has bound its port, but does not listen yet: connections are refused, so a load
/// balancer tries another replica.
pub struct BoundListener {
    server: Arc<HttpServer>,
    socket: TcpSocket,
}

/// A server that listens on its port.
pub struct ListeningServer {
    server: Arc<HttpServer>,
    listener: TcpListener,
}

impl HttpServer {
    /// Binds the port without listening.
    pub fn bind(self, address: SocketAddr) -> io::Result<BoundListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Connections of a previous process may linger on the port.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(BoundListener { server: Arc::new(self), socket })
    }

    /// Binds the port and listens.
    pub fn listen(self, address: SocketAddr) -> io::Result<ListeningServer> {
        self.bind(address)?.open()
    }
}

impl BoundListener {
    /// Starts listening: from now on the kernel completes connections to the port.
    pub fn open(self) -> io::Result<ListeningServer> {
        Ok(ListeningServer { server: self.server, listener: self.socket.listen(BACKLOG)? })
    }
}

impl ListeningServer {
    /// The bound address, with the port chosen for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// A flag that makes each HTTP/1 response the last one of its connection. Clients then
    /// reconnect elsewhere before idle connections are closed, which would cut off requests in
    /// transit.
    pub fn draining(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.server.leaving)
    }

    /// Serves until `stop` becomes true, then lets requests in flight finish for at most `drain`.
    pub async fn serve(self, mut stop: watch::Receiver<bool>, drain: Duration) {
        let places = Arc::clone(&self.server.config.connections);
        let acceptor = self.server.tls.as_ref().map(|tls| tls.acceptor(&self.server.role));
        // Each connection that may have a request in flight holds a sender. No message is sent.
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
            tracing::warn!("requests in flight exceeded the drain timeout and were aborted");
        }
    }

    /// Accepts the next connection once the limit permits it.
    async fn accept(
        &self,
        places: &Arc<ConnectionLimiter>,
    ) -> Option<(TcpStream, SocketAddr, ConnectionPermit)> {
        let free = places.acquire_total().await?;
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let proxies = &self.server.config.trusted_proxies;
                let place = places.acquire_for_address(free, peer.ip(), proxies)?;
                let _ = stream.set_nodelay(true);
                Some((stream, peer, place))
            }
            Err(error) => {
                // The process has probably run out of file descriptors, which closing connections
                // release.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}
