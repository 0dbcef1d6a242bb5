//! The accounts of a tenant, read from the snapshot.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    identity::{AccountDirectory, choose_decoy},
    model::{Account, StoredPassword, Subject},
    registry::ServedTenant,
};

#[async_trait]
impl AccountDirectory for ServedTenant {
    async fn by_username(&self, username: &str) -> Option<Arc<Account>> {
        self.account_by_username(username).cloned()
    }

    async fn by_verified_email(&self, email: &str) -> Option<Arc<Account>> {
        self.account_by_email(email).cloned()
    }

    async fn by_subject(&self, subject: &Subject) -> Option<Arc<Account>> {
        self.account_by_subject(subject).cloned()
    }

    async fn password(&self, subject: &Subject) -> Option<StoredPassword> {
        self.password(subject).cloned()
    }

    async fn decoy(&self, username: &str) -> Option<StoredPassword> {
        choose_decoy(self.passwords(), username)
    }
}
