//! The resource limits of the server: bytes, connections and times.

use std::time::Duration;

/// Resource limits; the defaults suit a server on the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Maximum bytes of request line and headers, which may contain request objects.
    pub head: usize,
    /// Maximum bytes of a body.
    pub body: usize,
    /// Maximum concurrent connections; further ones wait to be accepted.
    pub connections: usize,
    /// Maximum concurrent connections per client address; further ones are closed. 0: no limit.
    pub connections_of_address: usize,
    /// Limit for a client to send headers, to start the next request, or to continue reading.
    pub head_timeout: Duration,
    /// Limit for a client to send a body.
    pub body_timeout: Duration,
    /// Time in which a TLS handshake must be complete.
    pub handshake_timeout: Duration,
    /// Time in which a handler must answer a request.
    pub request_timeout: Duration,
    /// Maximum concurrent HTTP/2 streams per connection.
    pub streams: u32,
    /// Maximum bytes of all requests being received or answered, and of responses being sent.
    pub memory: usize,
    /// The part of `memory` that one client address may use. 0: no limit.
    pub memory_of_address: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            head: 32 * 1024,
            body: 64 * 1024,
            connections: 10_000,
            connections_of_address: 256,
            head_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            streams: 32,
            memory: 64 * 1024 * 1024,
            memory_of_address: 4 * 1024 * 1024,
        }
    }
}

/// The size of the request line and headers. hyper's own limit applies to its buffer, which may
/// receive more at once.
pub(crate) fn head_size<B>(request: &http::Request<B>) -> usize {
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len()) + 16;
    let headers = request.headers().iter();
    line + headers.map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

/// Memory of a header field apart from its text: the entry of the map, which grows by doubling, and
/// the allocation of a name. HTTP/2 sends a field in as little as one byte (RFC 7541 §6.1).
const HEADER_FIELD_BYTES: usize = 192;

/// The memory that the request line and headers take.
pub(crate) fn head_memory<B>(request: &http::Request<B>) -> usize {
    head_size(request) + request.headers().len() * HEADER_FIELD_BYTES
}
