//! A provider for tests.

use std::time::Duration;

use super::{
    ClaimMappings, GroupMapping, IdentityProvider, OidcUpstream, ProviderPlacement, ProviderSource,
    RefreshPolicy, SubjectRule, TextSource, UpstreamCredentials, ValueSource,
};
use crate::model::{
    AccountSelection, AdmissionPolicy, LogoutScope, ObjectKey, RefreshMode, SubjectStrategy,
    TenantId, UnavailablePolicy, UserinfoUse,
};

/// An OpenID provider with the default mappings.
pub fn sample_provider() -> IdentityProvider {
    let claim = |name: &str| ValueSource::Claim(name.to_owned());
    let text = |name: &str| TextSource { value: claim(name), prefix: String::new() };
    IdentityProvider {
        object: ObjectKey::new("acme", "corp"),
        tenant: TenantId::new("acme", "main"),
        display_name: "Acme staff".into(),
        source: ProviderSource::Oidc(OidcUpstream {
            issuer: "https://login.acme.test".into(),
            client_id: "lanyard".into(),
            tenant_ids: Vec::new(),
            credentials: UpstreamCredentials::None,
            linked: None,
            certificates: None,
            scopes: Vec::new(),
            authorization_parameters: Vec::new(),
            userinfo: UserinfoUse::IfNeeded,
            account_selection: AccountSelection::SelectAccount,
        }),
        identity_key: "https://login.acme.test".into(),
        subject: SubjectRule {
            claim: "sub".into(),
            strategy: SubjectStrategy::Computed,
            connector_id: String::new(),
        },
        mappings: ClaimMappings {
            username: text("preferred_username"),
            name: text("name"),
            email: Some(claim("email")),
            email_verified: claim("email_verified"),
            groups: GroupMapping { value: None, include: Vec::new(), prefix: String::new() },
            extra: Vec::new(),
        },
        email_domains: Vec::new(),
        claim_rules: Vec::new(),
        user_rules: Vec::new(),
        admission: AdmissionPolicy::Everyone,
        refresh: RefreshPolicy {
            mode: RefreshMode::Disabled,
            interval: Duration::from_mins(15),
            unavailable: UnavailablePolicy::KeepFor,
            keep_for: Duration::from_hours(4),
        },
        assurance: Vec::new(),
        sign_in: ProviderPlacement { order: 100, domains: Vec::new(), hidden: false },
        unreachable: false,
        logout: LogoutScope::Local,
    }
}

/// An OpenID provider with this issuer, whose client is `lanyard`.
pub(crate) fn sample_upstream(issuer: &str) -> OidcUpstream {
    let ProviderSource::Oidc(oidc) = sample_provider().source else { panic!("OIDC") };
    OidcUpstream { issuer: issuer.to_owned(), client_id: "lanyard".to_owned(), ..oidc }
}
