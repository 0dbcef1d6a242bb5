//! Writes of Secrets, and the Events about them.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;

use super::{ControllerContext, ReconcileError, action::Action};
use crate::{
    model::ObjectKey,
    source::{EventRecord, WriteError},
};

/// A change of one Secret.
#[derive(Clone, PartialEq)]
pub enum SecretWrite {
    /// Create the Secret; fails if it exists.
    Create(Box<Secret>),
    /// Replace the Secret at its resourceVersion.
    Replace(Box<Secret>),
    /// Delete the Secret at this resourceVersion.
    Delete(ObjectKey, String),
}

impl SecretWrite {
    /// Namespace and name of the Secret.
    fn key(&self) -> ObjectKey {
        match self {
            Self::Create(secret) | Self::Replace(secret) => {
                let text = |field: &Option<String>| field.clone().unwrap_or_default();
                let metadata = &secret.metadata;
                ObjectKey::new(text(&metadata.namespace), text(&metadata.name))
            }
            Self::Delete(key, _) => key.clone(),
        }
    }

    /// The operation in the imperative, for error messages.
    pub fn describe(&self) -> String {
        let key = self.key();
        let name = &key.name;
        match self {
            Self::Create(_) => format!("create Secret {name:?}"),
            Self::Replace(_) => format!("update Secret {name:?}"),
            Self::Delete(..) => format!("delete Secret {name:?}"),
        }
    }

    /// A function that logs the write of a Secret, to be called after it has succeeded.
    fn log(&self) -> fn(&ObjectKey) {
        match self {
            Self::Create(_) => |secret| tracing::info!(%secret, "created Secret"),
            Self::Replace(_) => |secret| tracing::info!(%secret, "updated Secret"),
            Self::Delete(..) => |secret| tracing::info!(%secret, "deleted Secret"),
        }
    }
}

impl fmt::Debug for SecretWrite {
    /// Omits the content of the Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// A write, and the Events to emit once it has succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedWrite {
    /// The write of a Secret.
    pub write: SecretWrite,
    /// Events to emit after the write.
    pub notices: Vec<EventRecord>,
}

impl From<SecretWrite> for PlannedWrite {
    fn from(write: SecretWrite) -> Self {
        Self { write, notices: Vec::new() }
    }
}

/// Performs the writes that are due, if any ([`apply_writes`]).
pub async fn apply_due_writes(
    context: &ControllerContext,
    steps: Vec<PlannedWrite>,
) -> Result<Action, ReconcileError> {
    if steps.is_empty() {
        return Ok(Action::Nothing(None));
    }
    apply_writes(context, steps).await?;
    Ok(Action::Wrote)
}

/// Performs writes in order; stops at the first that fails.
pub async fn apply_writes(
    context: &ControllerContext,
    steps: Vec<PlannedWrite>,
) -> Result<(), ReconcileError> {
    for PlannedWrite { write, notices } in steps {
        let (what, key, log) = (write.describe(), write.key(), write.log());
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
        done.map_err(|error| ReconcileError::Write { what, error })?;
        log(&key);
        for notice in notices {
            context.source.publish_event(notice).await;
        }
    }
    Ok(())
}
