//! Domain types of the whole program: identifiers, time, randomness, secrets, and the validated
//! tenant, client and user. Values of these types are valid, so other modules need not check them.
//!
//! Must not do I/O, use types of Kubernetes or HTTP, or depend on modules other than `expression` and `messages`.

mod access;
mod account;
mod algorithm;
mod audit;
mod authenticators;
mod bounded_cache;
mod branding;
mod certificate_subject;
mod client;
mod client_authentication;
mod client_certificate;
mod client_details;
mod client_documents;
mod cluster_tokens;
mod details_schema;
mod digest;
mod distinguished_name;
mod email_address;
mod endpoint_urls;
pub mod endpoints;
mod entropy;
mod error_cause;
mod federated_credential;
#[cfg(any(test, fuzzing))]
pub mod fixtures;
mod host_settings;
mod identifier_form;
mod identity_provider;
mod ids;
mod installation;
mod internal_host;
mod interner;
pub mod invisible_characters;
mod invitations;
mod issuer;
mod jwk_thumbprint;
mod key_secrets;
mod kinds;
mod ldap;
mod mail;
mod mail_probe;
mod mutual_tls_url;
mod oauth_enums;
mod object_mark;
mod pacing;
mod redirect_uri;
mod refresh_replays;
mod registrar;
mod resource_server;
mod seal_purpose;
mod secret;
mod secret_permissions;
mod security_profile;
mod tenant;
mod throttle_prefix;
mod time;
mod token_policy;
mod undelivered_logouts;
mod upstream_probe;
mod username;
mod vault_use;
mod wire_enum;

pub use access::{AccessPolicy, AccessRule, LOCAL_PROVIDER};
pub use account::{
    Account, AccountSource, DeclaredIdentity, Invitation, InvitationDelivery, MAX_PASSWORD_LEN,
    PasswordState, StoredPassword,
};
pub use algorithm::{IdTokenAlgorithm, JwsAlgorithm, SigningAlgorithm};
pub use audit::{
    AUDIT_EVENTS, AUDIT_SCHEMA, AUDIT_TARGET, AuditCause, AuditEvent, AuditLine, AuditOrigin,
    AuditOutcome, AuditRecord, AuditSink, AuditText, AuditedAccess, AuditedAuthenticator,
    AuditedAuthenticatorChange, AuditedClient, AuditedConsent, AuditedGrant, AuditedInvitation,
    AuditedMail, AuditedPasswordChange, AuditedPasswordReset, AuditedRefusedPerson, AuditedReplay,
    AuditedScopes, AuditedTokenOwner, ClientCredential, ClientDeletion, IgnoredAudit,
    InvitationRefusal, IssuedToken, KeyChange, KeyUse, LogoutKind, LogoutTokenRefusal, MailKind,
    PasswordChangeWay, PasswordResetRefusal, PersonRefusal, SharedAuditSink, SignInFailure,
    StepUpFailure, ThrottledAttempt,
};
pub use authenticators::{
    AuthenticatorPolicy, ChosenPasswordPolicy, RequiredFactor, TenantAuthenticators,
};
pub use bounded_cache::BoundedCache;
pub use branding::{Branding, BrandingLink, LinkPurpose, LocalizedText};
pub use certificate_subject::{CertificateRule, CertificateSubject};
pub use client::{
    Client, ConsentPolicy, DynamicRegistration, LinkedProvider, PairwiseSubjectInputs, SubjectType,
    sign_with_secret,
};
pub use client_authentication::{
    AssertionAudience, AssertionPolicy, ClientAuthentication, ClientKeys, SecretTransport,
    are_unguessable,
};
pub use client_certificate::{ClientCertificate, MAX_CHAIN_BYTES, MAX_CHAIN_LEN, is_bounded_chain};
pub(crate) use client_details::with_client_details;
pub use client_details::{ClientDetail, ClientDetailKind, ClientDetailValue, ClientDetails};
pub use client_documents::{ClientDocumentMode, ClientDocumentPolicy};
pub use cluster_tokens::{
    ClusterDocument, ClusterTokenError, ClusterTokenProbe, ClusterTokenState, ClusterTokens,
    SharedClusterTokenProbe, SharedClusterTokens,
};
pub use details_schema::{DetailsMismatch, DetailsSchema, DetailsSchemaError, MAX_SCHEMA_BYTES};
pub use digest::{Sha256, sha256, sha256_base64url};
pub use distinguished_name::DistinguishedName;
pub use email_address::is_email_address;
pub use endpoints::{Endpoint, EndpointOffer};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error_cause::ErrorCause;
pub use federated_credential::{
    FederatedCredential, FederatedIssuer, FederatedSubject, SERVICE_ACCOUNT_PREFIX, SubjectPattern,
    SubjectPatternError, TokenValidation, service_account_subject,
};
pub use host_settings::{HostSettingsReceiver, HostSettingsState};
pub use identifier_form::IdentifierForm;
pub use identity_provider::{
    AccountSelection, AdmissionPolicy, ClientAssertionAudience, GitHubOrganizationPolicy,
    GitHubTeamNames, LogoutScope, ProviderType, RESERVED_AUTHORIZATION_PARAMETERS, RefreshMode,
    SubjectStrategy, UnavailablePolicy, UserinfoUse,
};
pub use ids::{ClientId, ObjectKey, ObjectKeyParts, Subject, TenantId};
pub use installation::{HostPattern, HostPermission, HostSettings, Installation};
pub use internal_host::InternalHost;
pub(crate) use interner::pooled;
pub use interner::{Interned, Interner, intern};
pub use invitations::{
    InvitationLedger, InvitationLedgerError, InvitationMail, SharedInvitationLedger, UserInvitation,
};
pub use issuer::{Issuer, IssuerError};
pub use jwk_thumbprint::jwk_thumbprint;
pub use key_secrets::KeySecrets;
pub use kinds::{ManagedKind, ObjectKind, ObjectRef};
pub use ldap::{
    DN_ATTRIBUTE, FilterPiece, FilterValue, LdapAccount, LdapAddress, LdapFilter, LdapFilterError,
    LdapGroups, LdapIdAttribute, LdapPeople, LdapSchema, LdapServer, LdapSettings, MAX_GROUP_DEPTH,
    MEMBER_IN_CHAIN, NestedGroups, domain_suffix, is_below_name, is_distinguished_name,
    is_ldap_attribute, person_filter, value_in_first_rdn,
};
pub use mail::{
    MailCredentials, MailServer, MailSettings, SmtpTls, is_mail_address, is_mail_host,
    smtp_client_name,
};
pub use mail_probe::{MailProbe, SharedMailProbe};
pub use mutual_tls_url::MutualTlsUrl;
pub use oauth_enums::{
    ApplicationType, AuthMethod, BackchannelTokenDeliveryMode, GrantType, ResponseType,
};
pub use object_mark::{CredentialMark, ObjectMark};
pub use pacing::pause_after;
pub use redirect_uri::{
    ORIGIN_MESSAGE, REFUSED_SCHEMES, RedirectScheme, RedirectUri, RedirectUriError,
};
pub use refresh_replays::{RefreshReplays, ReportedReplays, SharedRefreshReplays};
pub use registrar::{
    ClientRegistrar, NewClient, REGISTERED_NAME, RegistrarError, SharedRegistrar, SpecCheck,
    SpecRefusal,
};
pub use resource_server::{
    AuthorizationDetailsType, ExchangeMode, ExchangeRule, ResourceServer, ResourceServers,
};
pub use seal_purpose::SealPurpose;
pub use secret::Secret;
pub use secret_permissions::{SecretPermission, SecretPermissions};
pub use security_profile::{FAPI2_AUTH_METHODS, FAPI2_JWS_ALGORITHMS, Fapi2Rules, SecurityProfile};
pub use tenant::{
    AcrLevel, CustomScope, Lifetimes, Organization, RefreshTokenRotation, RegistrationMode,
    RegistrationPolicy, RequestObjectPolicy, RotationPolicy, Tenant,
};
pub use throttle_prefix::throttle_prefix;
pub use time::{CLOCK_SKEW, Clock, FixedClock, SystemClock, Timestamp};
pub use token_policy::{AccessTokenType, IdTokenClaimsPolicy, TokenBinding, TokenPolicy};
pub use undelivered_logouts::{UndeliveredByClient, UndeliveredLogouts, UndeliveredReceiver};
pub use upstream_probe::{
    ProbeError, ProbeFailure, ProbeQuestion, ProbeTarget, SharedUpstreamProbe, UpstreamProbe,
};
pub use username::normalize_username;
pub use vault_use::{VaultKeysInUse, VaultUseReceiver};
pub use wire_enum::WireEnum;
pub(crate) use wire_enum::wire_enum;
