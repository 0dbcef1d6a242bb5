//! How much, how long, how many: what a client can cost.

use std::time::Duration;

/// Limits of the server; the defaults are meant for the open internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Request line and headers, in bytes: request objects travel there.
    pub head: usize,
    /// Bodies, in bytes.
    pub body: usize,
    /// Connections at once; further ones wait to be accepted.
    pub connections: usize,
    /// Connections of one address at once; further ones are closed. 0: as many as there are.
    pub connections_of_address: usize,
    /// For a client to send its headers, to begin the next request, or to read on.
    pub head_timeout: Duration,
    /// For a client to send a body.
    pub body_timeout: Duration,
    /// For a TLS handshake.
    pub handshake_timeout: Duration,
    /// For a request in all.
    pub request_timeout: Duration,
    /// HTTP/2 streams of a connection at once.
    pub streams: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            head: 32 * 1024,
            body: 64 * 1024,
            connections: 10_000,
            connections_of_address: 1_000,
            head_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            streams: 32,
        }
    }
}
