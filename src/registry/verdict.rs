//! What validation says of one object.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use crate::{
    api::{CachedSecret, ClientSecretKeys, ConditionReason, ConditionType},
    keys::{KeyRing, RotationRules},
    model::{ClientId, Issuer, ObjectKey, ObjectRef, Subject, Timestamp},
};

/// Something to change in an object, or something it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationProblem {
    /// The condition that it makes False.
    pub condition: ConditionType,
    /// The fixed word.
    pub reason: ConditionReason,
    /// Path of the field, such as `spec.redirectUris[0]`; empty where no field is to blame.
    pub field: String,
    /// What to change.
    pub message: String,
}

impl ValidationProblem {
    /// A value that cannot be served.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::accepted(ConditionReason::Invalid, field, message)
    }

    /// A problem of `Accepted`.
    pub fn accepted(
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let condition = ConditionType::Accepted;
        Self { condition, reason, field: field.into(), message: message.into() }
    }

    /// A problem of another condition.
    pub fn of(
        condition: ConditionType,
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { condition, reason, field: field.into(), message: message.into() }
    }

    /// Field and message in one line.
    pub fn text(&self) -> String {
        if self.field.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.field, self.message)
        }
    }
}

/// What validation says of one object, and what the controller needs to act on it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The object.
    pub object: ObjectRef,
    /// The generation that was judged.
    pub generation: Option<i64>,
    /// Everything wrong with it, in the order of its conditions.
    pub problems: Vec<ValidationProblem>,
    /// What it comes to.
    pub outcome: ObjectOutcome,
}

impl Verdict {
    /// Whether nothing is wrong with a condition.
    pub fn holds(&self, condition: ConditionType) -> bool {
        self.problems.iter().all(|problem| problem.condition != condition)
    }

    /// Whether it is part of what is served.
    pub fn served(&self) -> bool {
        match &self.outcome {
            ObjectOutcome::Tenant(tenant) => tenant.served,
            ObjectOutcome::Client(client) => client.served,
            ObjectOutcome::User(user) => user.served,
            ObjectOutcome::Malformed => false,
        }
    }
}

/// What an object comes to.
#[derive(Clone, Debug)]
pub enum ObjectOutcome {
    /// A tenant.
    Tenant(Box<TenantOutcome>),
    /// A client.
    Client(ClientOutcome),
    /// A user.
    User(UserOutcome),
    /// Could not be read.
    Malformed,
}

/// What a tenant comes to.
#[derive(Clone, Debug)]
pub struct TenantOutcome {
    /// The issuer, where it is valid.
    pub issuer: Option<Issuer>,
    /// Where its keys come from.
    pub keys: KeySource,
    /// The keys that it has.
    pub ring: KeyRing,
    /// The salt of pairwise subjects, where one is wanted.
    pub salt: Option<SaltOutcome>,
    /// Whether it is served.
    pub served: bool,
}

/// What there is of the salt of pairwise subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaltOutcome {
    /// Whether it is to be made: there never was one.
    pub make: bool,
    /// The one that must stay.
    pub fingerprint: Option<String>,
}

/// Where a tenant's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Nowhere: it is not accepted.
    None,
    /// A Secret of the user's.
    Imported,
    /// Made and rotated here.
    Own(RotationRules),
}

/// What a client comes to.
#[derive(Clone, Debug)]
pub struct ClientOutcome {
    /// Its id, where it is accepted.
    pub client_id: Option<ClientId>,
    /// Its tenant's issuer, where there is one.
    pub issuer: Option<Issuer>,
    /// The Secret that it wants.
    pub secret: ClientSecretPlan,
    /// When it goes, as it registered itself and was never used.
    pub unused_until: Option<Timestamp>,
    /// Whether it is served.
    pub served: bool,
}

/// The Secret that a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientSecretPlan {
    /// None.
    None,
    /// One of the user's.
    Referenced(ObjectKey),
    /// One made here.
    Generated(DesiredSecret),
}

/// A Secret that is made for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredSecret {
    /// Namespace and name.
    pub key: ObjectKey,
    /// What is in it; shared, since most clients wish for nothing of their own.
    pub shape: Arc<SecretTemplate>,
}

/// The shape of a client's Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTemplate {
    /// Entry of the client id.
    pub client_id_key: String,
    /// Entry of the client secret; none for public clients.
    pub client_secret_key: Option<String>,
    /// Whether the client secret is a key to sign with, and so as long as that wants it.
    pub signs: bool,
    /// Entry of the issuer.
    pub issuer_key: String,
    /// Labels beside our own.
    pub labels: BTreeMap<String, String>,
    /// Annotations beside our own.
    pub annotations: BTreeMap<String, String>,
    /// Further entries.
    pub extra: BTreeMap<String, String>,
}

impl Default for SecretTemplate {
    /// What a confidential client gets that wishes for nothing.
    fn default() -> Self {
        Self {
            client_id_key: ClientSecretKeys::CLIENT_ID.to_owned(),
            client_secret_key: Some(ClientSecretKeys::CLIENT_SECRET.to_owned()),
            signs: false,
            issuer_key: ClientSecretKeys::ISSUER.to_owned(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            extra: BTreeMap::new(),
        }
    }
}

impl SecretTemplate {
    /// The same, in the one copy of all that are the default.
    pub fn shared(self) -> Arc<Self> {
        static DEFAULT: LazyLock<Arc<SecretTemplate>> = LazyLock::new(Arc::default);
        if self == **DEFAULT { Arc::clone(&DEFAULT) } else { Arc::new(self) }
    }

    /// Whether a Secret's entries, but for the client secret, are as they should be.
    pub(super) fn matches(&self, secret: &CachedSecret, id: &ClientId, issuer: &Issuer) -> bool {
        let is = |name: &str, value: &str| secret.entry(name) == Some(value.as_bytes());
        is(&self.client_id_key, id.as_str())
            && is(&self.issuer_key, issuer.as_str())
            && self.extra.iter().all(|(name, value)| is(name, value))
    }
}

/// What a user comes to.
#[derive(Clone, Debug)]
pub struct UserOutcome {
    /// `sub`, where it is valid.
    pub subject: Option<Subject>,
    /// Whether it is served.
    pub served: bool,
}
