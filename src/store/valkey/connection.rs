//! The multiplexed connection of this replica. A new connection is used only after its server was
//! checked.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use super::{
    failure::ValkeyError,
    scripts::{self, FORMAT},
    server::{check_server, is_loading},
};
use crate::model::{Entropy, Timestamp};

/// Time in which a connection must be open, with TLS and authentication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time in which the server must answer a command.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The identity of a store.
pub(super) struct StoreIdentity {
    /// The random id of the store.
    pub(super) incarnation: String,
    /// The time of the server's clock (`TIME`), when the store was identified.
    pub(super) time: Timestamp,
}

/// A connection to a server that passed the checks.
pub(super) struct ValkeyConnection {
    /// The connection; clone it for each operation.
    pub(super) connection: MultiplexedConnection,
    /// The store found there. The server refuses writes that name another.
    pub(super) incarnation: String,
}

/// The server's address, and the connection to it once there is one.
pub(super) struct ValkeyLink {
    client: Client,
    allow_loss: bool,
    entropy: Arc<dyn Entropy>,
    current: ArcSwapOption<ValkeyConnection>,
    connecting: Mutex<()>,
}

impl ValkeyLink {
    /// A link that connects on first use.
    pub(super) fn new(client: Client, allow_loss: bool, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            client,
            allow_loss,
            entropy,
            current: ArcSwapOption::empty(),
            connecting: Mutex::new(()),
        }
    }

    /// Returns the connection. The first caller that finds none opens one, and others wait for it.
    pub(super) async fn connected(&self) -> Result<Arc<ValkeyConnection>, ValkeyError> {
        if let Some(connected) = self.current.load_full() {
            return Ok(connected);
        }
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(connected) = self.current.load_full() {
            return Ok(connected);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let connection = self.client.get_multiplexed_async_connection_with_config(&config);
        let connection = connection.await.map_err(ValkeyError::Connect)?;
        let StoreIdentity { incarnation, .. } = self.identify(&connection).await?;
        let connected = Arc::new(ValkeyConnection { connection, incarnation });
        self.current.store(Some(Arc::clone(&connected)));
        Ok(connected)
    }

    /// Drops a connection that a failure makes unusable, unless it was replaced already.
    pub(super) fn failed(&self, used: &Arc<ValkeyConnection>, failure: &ValkeyError) {
        if failure.ends_connection() {
            self.current.compare_and_swap(used, None);
        }
    }

    /// Checks the server and reads the store's identity. A server without one is a new store.
    pub(super) async fn identify(
        &self,
        connection: &MultiplexedConnection,
    ) -> Result<StoreIdentity, ValkeyError> {
        let mut connection = connection.clone();
        let info: String = redis::cmd("INFO")
            .query_async(&mut connection)
            .await
            .map_err(ValkeyError::Operation)?;
        if is_loading(&info) {
            return Err(ValkeyError::Loading);
        }
        check_server(&info, self.allow_loss).map_err(ValkeyError::Unsuitable)?;
        let (incarnation, format, works_with, seconds, micros): (String, i64, i64, i64, i64) =
            scripts::ABOUT
                .arg(self.entropy.id())
                .arg(FORMAT)
                .invoke_async(&mut connection)
                .await
                .map_err(ValkeyError::Operation)?;
        if works_with > FORMAT {
            return Err(ValkeyError::Newer { format, own: FORMAT });
        }
        let time = Timestamp::from_millis(seconds * 1000 + micros / 1000);
        Ok(StoreIdentity { incarnation, time })
    }
}
