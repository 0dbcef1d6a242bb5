//! One connection for all operations of this replica, whose questions and answers it interleaves.
//! A new one is used only after its server was judged.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use super::{
    failure::ValkeyError,
    scripts::{self, FORMAT},
    server::{is_loading, judge},
};
use crate::model::{Entropy, Timestamp};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// What a store says of itself.
pub(super) struct StoreIdentity {
    /// Its name.
    pub(super) incarnation: String,
    /// The server's clock.
    pub(super) time: Timestamp,
}

/// A connection to a server that was judged.
pub(super) struct ValkeyConnection {
    /// To be cloned for each operation.
    pub(super) connection: MultiplexedConnection,
    /// The store that was found there: writes to another are refused by the server.
    pub(super) incarnation: String,
}

/// Where the server is, and the connection to it, if there is one.
pub(super) struct ValkeyLink {
    client: Client,
    allow_loss: bool,
    entropy: Arc<dyn Entropy>,
    current: ArcSwapOption<ValkeyConnection>,
    connecting: Mutex<()>,
}

impl ValkeyLink {
    /// A link whose connection is made when it is needed.
    pub(super) fn new(client: Client, allow_loss: bool, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            client,
            allow_loss,
            entropy,
            current: ArcSwapOption::empty(),
            connecting: Mutex::new(()),
        }
    }

    /// The connection; the first to find none makes one, and the others wait for it.
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
        let StoreIdentity { incarnation, .. } = self.ask(&connection).await?;
        let connected = Arc::new(ValkeyConnection { connection, incarnation });
        self.current.store(Some(Arc::clone(&connected)));
        Ok(connected)
    }

    /// Forgets a connection that a failure ends, unless another has taken its place.
    pub(super) fn failed(&self, used: &Arc<ValkeyConnection>, failure: &ValkeyError) {
        if failure.ends_connection() {
            self.current.compare_and_swap(used, None);
        }
    }

    /// Judges the server, and reads what the store says of itself; one that says nothing is new.
    pub(super) async fn ask(
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
        judge(&info, self.allow_loss).map_err(ValkeyError::Unsuitable)?;
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
