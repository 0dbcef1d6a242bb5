//! The custom resources of group `lanyard.dev` (docs/design/api.md), exactly as users write them:
//! raw, unchecked, with unknown enum values kept. `registry::validate` makes `model` types of them.
//!
//! Doc comments on fields are the user's documentation (`kubectl explain`).

mod cached_object;
mod cached_secret;
mod client_secret;
mod client_values;
mod common;
mod condition_schema;
mod conditions;
mod definitions;
mod limits;
mod objects;
mod oidc_client;
mod oidc_user;
pub mod owner;
mod references;
mod rules;
mod signing;
mod status_digest;
mod summary;
mod tenant;
mod tenant_protocol;

pub use cached_object::{CachedObject, ManagedKind};
pub use cached_secret::CachedSecret;
pub use client_secret::{ClientSecretKeys, ClientSecretTemplate};
pub use client_values::{
    ApplicationType, AssertionAudience, AuthMethod, Consent, GrantType, IdTokenAlgorithm,
    Introspection, JwsAlgorithm, OidcClientLifetimes, SubjectType,
};
pub use common::{
    ConsentFrom, LabelSelector, NamespaceConsent, RefreshTokenRotation, SecretKeyRef,
    SelectorRequirement,
};
pub use conditions::{ConditionReason, ConditionType};
pub use definitions::{definitions, schema};
pub use limits::{LimitViolation, SchemaLimits};
pub use objects::{
    MalformedObject, NamespaceLabels, ObjectSet, SecretState, SourceHealth, SourceView,
};
pub use oidc_client::{OidcClient, OidcClientSpec, OidcClientStatus, TenantRef};
pub use oidc_user::{LocalTenantRef, OidcUser, OidcUserSpec, OidcUserStatus, PostalAddress};
pub use references::{pairwise_salt_name, signing_keys_backup_name, signing_keys_name};
pub use signing::{RotationSpec, SigningAlgorithm, SigningSpec};
pub use status_digest::{StatusDigest, ready_condition};
pub use summary::{ClientSummary, TenantSummary, UserSummary};
pub use tenant::{
    BrandingSpec, ClientBoundsSpec, CustomScopeSpec, OrganizationSpec, SigningKeyStatus, Tenant,
    TenantLifetimes, TenantSpec, TenantStatus,
};
pub use tenant_protocol::{AcrLevelSpec, RegistrationMode, RegistrationSpec, RequestObjectsSpec};

/// The API group.
pub const GROUP: &str = "lanyard.dev";
/// The API version.
pub const VERSION: &str = "v1alpha1";
/// On every object that Lanyard makes: `<Kind>/<name>` of the object it belongs to.
pub const OWNER_ANNOTATION: &str = "lanyard.dev/owner";
/// On every Secret that Lanyard makes, with the value `true`; Secrets with it are watched whole.
pub const MANAGED_LABEL: &str = "lanyard.dev/managed";
/// On every OidcClient that registered itself over HTTP, with the value `true`. Whoever takes it
/// off adopts the client: it is then one like any other.
pub const REGISTERED_LABEL: &str = "lanyard.dev/registered";
/// On such a client: the hash of its registration access token.
pub const REGISTRATION_TOKEN_ANNOTATION: &str = "lanyard.dev/registration-access-token-hash";
/// On such a client, once it was used: `true`.
pub const USED_ANNOTATION: &str = "lanyard.dev/used";
