//! Every write of Secrets, and what is told of it.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;

use super::{Context, Error};
use crate::{
    model::ObjectKey,
    source::{Notice, WriteError},
};

/// One change of a Secret.
#[derive(Clone, PartialEq)]
pub enum Write {
    /// Create it; one of that name must not be there.
    Create(Box<Secret>),
    /// Replace it under its resourceVersion.
    Replace(Box<Secret>),
    /// Delete it under this resourceVersion.
    Delete(ObjectKey, String),
}

impl Write {
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

impl fmt::Debug for Write {
    /// Never shows what a Secret holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// A write, and what to tell once it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The write.
    pub write: Write,
    /// Told after it.
    pub notices: Vec<Notice>,
}

impl From<Write> for Step {
    fn from(write: Write) -> Self {
        Self { write, notices: Vec::new() }
    }
}

/// Does the writes in their order; stops at the first that fails.
pub async fn apply(context: &Context, steps: Vec<Step>) -> Result<(), Error> {
    for Step { write, notices } in steps {
        let what = write.describe();
        let done = match write {
            Write::Create(secret) => context.source.create_secret(*secret).await,
            Write::Replace(secret) => context.source.replace_secret(*secret).await,
            Write::Delete(key, version) => match context.source.delete_secret(&key, &version).await
            {
                Err(WriteError::NotFound) => Ok(()),
                done => done,
            },
        };
        done.map_err(|error| Error::Write { what: what.clone(), error })?;
        tracing::info!("{what}: done");
        for notice in notices {
            context.source.notify(notice).await;
        }
    }
    Ok(())
}
