//! Probes of mail servers. The controller asks, and `mail` does it over the network.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{MailServer, ProbeError};

/// Asks mail servers whether they would take mail.
#[async_trait]
pub trait MailProbe: Send + Sync + fmt::Debug {
    /// Connects to a server and signs in. Ends within half a minute.
    async fn probe(&self, server: &MailServer) -> Result<(), ProbeError>;
}

/// A probe that is shared between tasks.
pub type SharedMailProbe = Arc<dyn MailProbe>;
