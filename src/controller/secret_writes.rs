//! Every write of Secrets, and what is told of it.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;

use super::{ControllerContext, ReconcileError};
use crate::{
    model::ObjectKey,
    source::{EventRecord, WriteError},
};

/// One change of a Secret.
#[derive(Clone, PartialEq)]
pub enum SecretWrite {
    /// Create it; one of that name must not be there.
    Create(Box<Secret>),
    /// Replace it under its resourceVersion.
    Replace(Box<Secret>),
    /// Delete it under this resourceVersion.
    Delete(ObjectKey, String),
}

impl SecretWrite {
    /// What is being done, for messages.
    pub fn describe(&self) -> String {
        let name = |secret: &Secret| secret.metadata.name.clone().unwrap_or_default();
        match self {
            Self::Create(secret) => format!("creating the Secret {:?}", name(secret)),
            Self::Replace(secret) => format!("updating the Secret {:?}", name(secret)),
            Self::Delete(key, _) => format!("deleting the Secret {:?}", key.name),
        }
    }
}

impl fmt::Debug for SecretWrite {
    /// Never shows what a Secret holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// A write, and what to tell once it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedWrite {
    /// The write.
    pub write: SecretWrite,
    /// Told after it.
    pub notices: Vec<EventRecord>,
}

impl From<SecretWrite> for PlannedWrite {
    fn from(write: SecretWrite) -> Self {
        Self { write, notices: Vec::new() }
    }
}

/// Does the writes in their order; stops at the first that fails.
pub async fn apply(
    context: &ControllerContext,
    steps: Vec<PlannedWrite>,
) -> Result<(), ReconcileError> {
    for PlannedWrite { write, notices } in steps {
        let what = write.describe();
        let done = match write {
            SecretWrite::Create(secret) => context.source.create_secret(*secret).await,
            SecretWrite::Replace(secret) => context.source.replace_secret(*secret).await,
            SecretWrite::Delete(key, version) => {
                match context.source.delete_secret(&key, &version).await {
                    Err(WriteError::NotFound) => Ok(()),
                    done => done,
                }
            }
        };
        done.map_err(|error| ReconcileError::Write { what: what.clone(), error })?;
        tracing::info!("{what}: done");
        for notice in notices {
            context.source.publish_event(notice).await;
        }
    }
    Ok(())
}
