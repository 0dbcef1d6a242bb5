//! The result of validating one object.

use std::sync::Arc;

use super::{
    ClientSecretValues, EnrolmentState, InvitationOutcome, ProviderOutcome, SecretTemplate,
};
use crate::{
    api::{ConditionReason, ConditionType, OidcClientSpec},
    keys::{KeyRing, RotationRules},
    model::{ClientId, Issuer, MailSettings, ObjectKey, ObjectRef, Subject, Timestamp},
};

/// A problem of an object: a value to change, or something that it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationProblem {
    /// The condition that the problem makes False.
    pub condition: ConditionType,
    /// The reason of that condition in the status.
    pub reason: ConditionReason,
    /// Path of the field, such as `spec.redirectUris[0]`; empty if the problem concerns no field.
    pub field: String,
    /// Description of the problem, with the fix.
    pub message: String,
}

impl ValidationProblem {
    /// A field with an invalid value.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::accepted(ConditionReason::Invalid, field, message)
    }

    /// A problem of the condition `Accepted`.
    pub fn accepted(
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::of(ConditionType::Accepted, reason, field, message)
    }

    /// A problem of any condition.
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

/// The result of validating one object, and what the controller needs to act on it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The object that was validated.
    pub object: ObjectRef,
    /// The `metadata.generation` that was validated, which the API server sets.
    pub generation: Option<i64>,
    /// All problems, in the order of their conditions.
    pub problems: Vec<ValidationProblem>,
    /// Settings that are less safe than they could be, or without effect. The object is ready with them.
    pub warnings: Vec<ValidationProblem>,
    /// The outcome by kind.
    pub outcome: ObjectOutcome,
}

impl Verdict {
    /// Returns true if no problem concerns a condition.
    pub fn holds(&self, condition: ConditionType) -> bool {
        self.problems.iter().all(|problem| problem.condition != condition)
    }

    /// Returns true if the object is served.
    pub fn served(&self) -> bool {
        self.outcome.served()
    }
}

/// The outcome of an object's validation, by kind.
#[derive(Clone, Debug)]
pub enum ObjectOutcome {
    /// Outcome of a tenant.
    Tenant(Box<TenantOutcome>),
    /// Outcome of a client.
    Client(ClientOutcome),
    /// Outcome of a user.
    User(UserOutcome),
    /// Outcome of an identity provider.
    Provider(ProviderOutcome),
    /// Outcome of a resource server.
    ResourceServer(ResourceServerOutcome),
    /// The object does not deserialize, so nothing of it is known.
    Malformed,
}

impl ObjectOutcome {
    /// The conditions of such an object other than Ready, in order of precedence.
    pub(super) fn condition_types(&self) -> &'static [ConditionType] {
        use ConditionType::{Accepted, KeysReady, Programmed, ResolvedRefs, SecretReady};
        match self {
            Self::Tenant(_) => &[Accepted, ResolvedRefs, KeysReady, Programmed],
            Self::Client(client) => match client.secret {
                ClientSecretPlan::Generated(_) => {
                    &[Accepted, ResolvedRefs, SecretReady, Programmed]
                }
                ClientSecretPlan::None | ClientSecretPlan::Referenced(_) => {
                    &[Accepted, ResolvedRefs, Programmed]
                }
            },
            Self::User(_) | Self::Provider(_) | Self::ResourceServer(_) => {
                &[Accepted, ResolvedRefs, Programmed]
            }
            Self::Malformed => &[Accepted, Programmed],
        }
    }

    fn served(&self) -> bool {
        match self {
            Self::Tenant(tenant) => tenant.served,
            Self::Client(client) => client.served,
            Self::User(user) => user.served,
            Self::Provider(provider) => provider.served,
            Self::ResourceServer(server) => server.served,
            Self::Malformed => false,
        }
    }
}

/// The outcome of a resource server's validation.
#[derive(Clone, Copy, Debug)]
pub struct ResourceServerOutcome {
    /// Whether tokens can be requested for it.
    pub served: bool,
}

/// The outcome of a tenant's validation.
#[derive(Clone, Debug)]
pub struct TenantOutcome {
    /// The issuer, if it is valid.
    pub issuer: Option<Issuer>,
    /// The tenant's address inside the cluster, if the installation has one.
    pub internal_url: Option<Arc<str>>,
    /// The source of its signing keys.
    pub keys: KeySource,
    /// The signing keys that exist; empty before the first are generated.
    pub ring: KeyRing,
    /// The salt of pairwise subjects, if it is needed.
    pub salt: Option<SaltOutcome>,
    /// Whether people can enrol authenticators; `None` if the tenant offers none.
    pub enrolment: Option<EnrolmentState>,
    /// The settings of mail; `None` if the tenant sends none, or a Secret is missing.
    pub mail: Option<Arc<MailSettings>>,
    /// Whether the tenant is served.
    pub served: bool,
}

/// The state of the salt of pairwise subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaltOutcome {
    /// True if the salt has to be generated because there never was one.
    pub make: bool,
    /// Fingerprint of the salt, which must not change.
    pub fingerprint: Option<String>,
}

/// Source of a tenant's signing keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// No source, because the tenant is not accepted.
    None,
    /// Keys from a Secret that the user provides. Lanyard does not rotate them.
    Imported,
    /// Generated and rotated by Lanyard.
    Own(RotationRules),
}

/// The outcome of a client's validation. The default is that of a client that is not accepted.
#[derive(Clone, Debug, Default)]
pub struct ClientOutcome {
    /// The client ID, if the client is accepted.
    pub client_id: Option<ClientId>,
    /// The tenant's issuer, if there is one.
    pub issuer: Option<Issuer>,
    /// The issuer's address inside the cluster, if the installation has one.
    pub internal_url: Option<Arc<str>>,
    /// The Secret that the client needs.
    pub secret: ClientSecretPlan,
    /// When a registered client is deleted if it is not used before.
    pub unused_until: Option<Timestamp>,
    /// The issuers of its federated credentials.
    pub federation: ClientFederation,
    /// Whether the client is served.
    pub served: bool,
}

impl ClientOutcome {
    /// The values that the client's Secret contains, if the client is accepted.
    pub fn secret_values(&self) -> Option<ClientSecretValues<'_>> {
        Some(ClientSecretValues {
            client_id: self.client_id.as_ref()?,
            issuer: self.issuer.as_ref()?,
            internal_url: self.internal_url.as_deref(),
        })
    }
}

/// The issuers that a client trusts for its federated credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFederation {
    /// Whether ServiceAccounts of the cluster authenticate the client.
    pub has_service_accounts: bool,
    /// The other issuers, as in the claim `iss`.
    pub issuers: Box<[Box<str>]>,
}

impl ClientFederation {
    /// Returns true if it trusts none.
    pub fn is_empty(&self) -> bool {
        !self.has_service_accounts && self.issuers.is_empty()
    }

    /// The issuers in a client's fields.
    pub(super) fn of(spec: &OidcClientSpec) -> Self {
        let credentials = || spec.federated_credentials.iter();
        let issuers = credentials().filter_map(|it| Some(it.issuer.as_deref()?.into()));
        Self {
            has_service_accounts: credentials().any(|it| it.service_account_ref.is_some()),
            issuers: issuers.collect(),
        }
    }
}

/// The Secret that a client needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientSecretPlan {
    /// No Secret: the client is public, or not accepted.
    #[default]
    None,
    /// A Secret that the user provides, by its namespace and name.
    Referenced(ObjectKey),
    /// A Secret that Lanyard creates and keeps up to date.
    Generated(DesiredSecret),
}

/// A Secret to create for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredSecret {
    /// Namespace and name of the Secret.
    pub key: ObjectKey,
    /// The Secret's content; shared, because most clients use the default.
    pub shape: Arc<SecretTemplate>,
}

/// The outcome of a user's validation.
#[derive(Clone, Debug)]
pub struct UserOutcome {
    /// The `sub`, if it is valid.
    pub subject: Option<Subject>,
    /// The user's invitation. `None` without one, or if the user is not accepted.
    pub invitation: Option<Box<InvitationOutcome>>,
    /// Whether the user is served.
    pub served: bool,
}
