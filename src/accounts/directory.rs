//! The users of a tenant, read from the snapshot.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    identity::{UserDirectory, choose_decoy},
    model::{StoredPassword, Subject, User},
    registry::ServedTenant,
};

#[async_trait]
impl UserDirectory for ServedTenant {
    async fn by_username(&self, username: &str) -> Option<Arc<User>> {
        self.user_by_username(username).cloned()
    }

    async fn by_subject(&self, subject: &Subject) -> Option<Arc<User>> {
        self.user_by_subject(subject).cloned()
    }

    async fn decoy(&self, username: &str) -> Option<StoredPassword> {
        choose_decoy(self.users(), username)
    }
}
