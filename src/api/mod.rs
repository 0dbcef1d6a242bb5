//! The custom resources of the API group `lanyard.dev`, exactly as users write them: raw and
//! unchecked, with unknown enum values preserved. `registry::validate` converts them to `model`
//! types. See docs/design/api.md.
//!
//! Doc comments on fields are user documentation: `kubectl explain` prints them.

mod access;
mod any_cached_object;
mod authenticators;
mod cached_object;
mod cached_secret;
mod client_secret;
mod client_values;
mod common;
mod condition_reasons;
mod condition_schema;
mod conditions;
mod definitions;
mod enum_spec;
mod event_reasons;
mod identity_provider;
mod issuer_reservation;
mod kinds;
mod limits;
mod managed_object;
mod objects;
mod objects_by_kind;
mod oidc_client;
mod oidc_user;
pub mod owner;
mod owner_reference;
mod published_schema;
mod raw_status;
mod references;
mod resource_server;
mod rules;
mod security_profile;
mod signing;
mod status_digest;
mod tenant;
mod tenant_protocol;

pub use access::{AccessRuleSpec, AccessSpec};
pub use any_cached_object::AnyCachedObject;
pub use authenticators::AuthenticatorsSpec;
pub use cached_object::CachedObject;
pub use cached_secret::CachedSecret;
pub use client_secret::{ClientSecretKeys, ClientSecretTemplate};
pub use client_values::{Introspection, OidcClientLifetimes};
pub use common::{
    AllowedNamespaces, LabelSelector, NamespacesFrom, SecretKeyRef, SelectorRequirement,
};
pub use condition_reasons::ConditionReason;
pub use conditions::ConditionType;
pub use definitions::{custom_resource_definitions, kind_schema};
pub use enum_spec::EnumSpec;
pub use event_reasons::{EventReason, EventType};
pub use identity_provider::{
    AssuranceSpec, ClaimMappingsSpec, ClaimValidationRuleSpec, EmailMappingSpec, ExampleSpec,
    ExtraMappingSpec, GitHubGroupsSpec, GitHubOrganizationsSpec, GitHubProviderSpec,
    GroupsMappingSpec, IdentityProvider, IdentityProviderSpec, IdentityProviderStatus,
    LdapBindSecretRef, LdapGroupsSpec, LdapProviderSpec, LdapUsersSpec, LocalClientRef,
    OidcProviderSpec, ProviderLinkSummary, ProviderLinkTarget, ProviderSignInSpec, ProviderSummary,
    RefreshSpec, SubjectSpec, TextMappingSpec, UserValidationRuleSpec, ValueMappingSpec,
};
pub use issuer_reservation::IssuerReservation;
pub(crate) use kinds::{enum_of_kinds, managed_kinds, match_kind, match_variant, with_kind};
pub use limits::{LimitViolation, limit_violations};
pub use managed_object::{AnyObject, AnyStatus, ManagedObject};
pub use objects::{
    MalformedObject, NamespaceLabels, ObjectSet, SecretState, SourceHealth, SourceView,
};
pub use objects_by_kind::ObjectsByKind;
pub use oidc_client::{
    ClientStatusFacts, ClientSummary, FederatedCredentialSpec, OidcClient, OidcClientSpec,
    OidcClientStatus, ServiceAccountRef, TenantRef, TlsClientAuthSpec,
};
pub use oidc_user::{
    IdentitySpec, InvitationSpec, InvitationStatus, LocalTenantRef, OidcUser, OidcUserSpec,
    OidcUserStatus, PostalAddress, UserSummary, invitation_secret,
};
pub use published_schema::missing_restrictions;
pub use raw_status::RawStatus;
pub use references::{pairwise_salt_name, signing_keys_backup_name, signing_keys_name};
pub use resource_server::{
    AuthorizationDetailsTypeSpec, ExchangeRuleSpec, IntrospectionClientRef, ResourceClientRef,
    ResourceClientsSpec, ResourceExchangeSpec, ResourceIntrospectionSpec, ResourceScopeSpec,
    ResourceServer, ResourceServerSpec, ResourceServerStatus, ResourceServerSummary,
    ResourceTokenSpec,
};
pub use security_profile::MessageSigningSpec;
pub use signing::{RotationSpec, SigningSpec};
pub use status_digest::{StatusDigest, condition_reason, reachable_reason, ready_condition};
pub use tenant::{
    BrandingLinkSpec, BrandingSpec, ClientBoundsSpec, ClientDocumentsSpec, CustomScopeSpec,
    DarkColorsSpec, FontSpec, LocalizedTextSpec, MailCredentialsSecretRef, MailSpec,
    OrganizationSpec, SigningKeyStatus, Tenant, TenantFacts, TenantLifetimes, TenantSpec,
    TenantStatus, TenantSummary,
};
pub use tenant_protocol::{AcrLevelSpec, RegistrationSpec, RequestObjectsSpec};

/// The API group of all custom resources.
pub const GROUP: &str = "lanyard.dev";
/// The API version of all custom resources.
pub const VERSION: &str = "v1alpha1";
/// Annotation on every Secret that Lanyard creates: `<Kind>/<name>` of its owner.
pub const OWNER_ANNOTATION: &str = "lanyard.dev/owner";
/// Annotation of a tenant's key Secret: the tenant's issuer.
pub const ISSUER_ANNOTATION: &str = "lanyard.dev/issuer";
/// Annotation of the key Secret of a deleted tenant: since when the tenant does not exist.
pub const GONE_SINCE_ANNOTATION: &str = "lanyard.dev/tenant-gone-since";
/// Annotation of the Secret of sealing keys: the IDs of keys that are void.
pub const DISCARD_ANNOTATION: &str = "lanyard.dev/discard";
/// Label on every Secret that Lanyard creates, with the value `true`. The watch on Secrets selects
/// it.
pub const MANAGED_LABEL: &str = "lanyard.dev/managed";
/// Label on every OidcClient created by dynamic registration, with the value `true`. Removing it
/// adopts the client, which then is like any declared client.
pub const REGISTERED_LABEL: &str = "lanyard.dev/registered";
/// Annotation on a registered client: the hash of its registration access token.
pub const REGISTRATION_TOKEN_ANNOTATION: &str = "lanyard.dev/registration-access-token-hash";
/// Annotation on a registered client, set to `true` once the client has been used.
pub const USED_ANNOTATION: &str = "lanyard.dev/used";
