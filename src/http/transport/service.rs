//! The interface between connections and the code that answers their requests.

use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use super::RequestBody;

/// The connection that a request arrived on.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionInfo {
    /// Address of the other end: the client, or a proxy in front of it.
    pub peer: IpAddr,
}

/// Answers the requests of connections.
#[async_trait]
pub trait Service: Send + Sync {
    /// Answers one request. Errors are responses too.
    async fn call(
        &self,
        request: Request<RequestBody>,
        connection: ConnectionInfo,
    ) -> Response<Full<Bytes>>;
}
