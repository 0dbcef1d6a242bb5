//! Identity providers, with all defaults applied.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    AssuranceRule, ClaimRequirement, ClaimRule, GroupMapping, ProviderSource, TextSource, UserRule,
    ValueSource, groups::GROUPS_CLAIM,
};
use crate::model::{
    AdmissionPolicy, LdapSettings, LogoutScope, ObjectKey, RefreshMode, SubjectStrategy, TenantId,
    UnavailablePolicy,
};

/// A source of people, with all defaults applied.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// The object that declares it.
    pub object: ObjectKey,
    /// The tenant whose people come from it.
    pub tenant: TenantId,
    /// The name on the sign-in page.
    pub display_name: String,
    /// The protocol by which the provider is asked, with its settings.
    pub source: ProviderSource,
    /// The name under which subjects are computed.
    pub identity_key: String,
    /// The computation of `sub` from the provider's claims.
    pub subject: SubjectRule,
    /// The claims or expressions that the parts of an account come from.
    pub mappings: ClaimMappings,
    /// Domains whose addresses the provider may call verified, in lower case; empty: every domain.
    pub email_domains: Vec<String>,
    /// Requirements on the claims, all of which a person has to meet.
    pub claim_rules: Vec<ClaimRule>,
    /// Requirements on the account that the claims are mapped to, all of which a person has to meet.
    pub user_rules: Vec<UserRule>,
    /// The people who may sign in.
    pub admission: AdmissionPolicy,
    /// The rules by which the provider is asked again about signed-in people.
    pub refresh: RefreshPolicy,
    /// The rules by which authentication methods of the provider are accepted at this tenant.
    pub assurance: Vec<AssuranceRule>,
    /// Whether a sign-out here signs people out at the provider too.
    pub logout: LogoutScope,
    /// The provider's place on the sign-in page.
    pub sign_in: ProviderPlacement,
    /// Whether the last probes of the provider failed. People may try to sign in nevertheless.
    pub unreachable: bool,
}

impl IdentityProvider {
    /// The object's name, which is unique within the tenant and part of the redirect URI.
    pub fn name(&self) -> &str {
        &self.object.name
    }

    /// The directory, if the provider is one.
    pub fn directory(&self) -> Option<&LdapSettings> {
        match &self.source {
            ProviderSource::Ldap(settings) => Some(settings),
            ProviderSource::Oidc(_) | ProviderSource::GitHub(_) => None,
        }
    }

    /// Returns true if the provider is still at the issuer of an earlier sign-in, or at the URL of the
    /// host, which is GitHub's issuer. No other server may receive tokens of that sign-in (RFC 9700 §4.4).
    pub fn has_issuer(&self, issuer: &str) -> bool {
        match &self.source {
            ProviderSource::Oidc(oidc) => oidc.has_issuer(issuer),
            ProviderSource::GitHub(github) => github.issuer() == issuer,
            ProviderSource::Ldap(_) => false,
        }
    }

    /// The PEM certificates of its object that verify its servers.
    pub fn certificates(&self) -> Option<&Arc<str>> {
        match &self.source {
            ProviderSource::Oidc(oidc) => oidc.certificates.as_ref(),
            ProviderSource::GitHub(github) => github.certificates.as_ref(),
            ProviderSource::Ldap(settings) => settings.server.certificates.as_ref(),
        }
    }

    /// The provider's claims that mappings and rules read, also by expressions.
    pub fn read_claims(&self) -> BTreeSet<&str> {
        let ClaimMappings { username, name, email, email_verified, groups, extra } = &self.mappings;
        let mut read = BTreeSet::from([self.subject.claim.as_str()]);
        read.extend(groups.value.is_none().then_some(GROUPS_CLAIM));
        let verified = email.as_ref().map(|_| email_verified);
        let values = [Some(&username.value), Some(&name.value), email.as_ref(), verified];
        let values = values.into_iter().chain([groups.value.as_ref()]).flatten();
        for value in values.chain(extra.iter().map(|(_, value)| value)) {
            match value {
                ValueSource::Claim(name) => read.extend([name.as_str()]),
                ValueSource::Expression(expression) => read.extend(expression.claim_names()),
            }
        }
        for rule in &self.claim_rules {
            match &rule.requirement {
                ClaimRequirement::Claim { name, .. } => read.extend([name.as_str()]),
                ClaimRequirement::Expression(expression) => read.extend(expression.claim_names()),
            }
        }
        read.extend(self.user_rules.iter().flat_map(|rule| rule.expression.claim_names()));
        read
    }
}

/// The rules by which a provider is asked again about signed-in people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether the provider is asked again, and how.
    pub mode: RefreshMode,
    /// The age of claims from which the provider is asked again.
    pub interval: Duration,
    /// The rule for people whose claims are older than that while the provider cannot be asked.
    pub unavailable: UnavailablePolicy,
    /// How long stored claims are accepted while the provider does not answer, under [`UnavailablePolicy::KeepFor`].
    pub keep_for: Duration,
}

/// The place of a provider on the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPlacement {
    /// The position among the tenant's providers: the lowest number comes first, and equal ones are sorted by name.
    pub order: u32,
    /// Domains of e-mail addresses, in lower case, whose owners are sent there.
    pub domains: Vec<String>,
    /// Whether the page omits its button.
    pub hidden: bool,
}

impl ProviderPlacement {
    /// Returns true if the owners of addresses of a domain, in lower case, are sent there.
    pub fn has_domain(&self, domain: &str) -> bool {
        self.domains.iter().any(|it| it == domain)
    }
}

/// The computation of `sub` from the provider's claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRule {
    /// The provider's claim that identifies a person.
    pub claim: String,
    /// The form of subjects: computed, the provider's own, or that of Dex.
    pub strategy: SubjectStrategy,
    /// The id of Dex's connector, for [`SubjectStrategy::Dex`].
    pub connector_id: String,
}

/// The claims or expressions that the parts of an account come from.
#[derive(Clone, Debug)]
pub struct ClaimMappings {
    /// The source of the username, which a person must have.
    pub username: TextSource,
    /// The source of the full name (`name`).
    pub name: TextSource,
    /// The source of the e-mail address; `None`: accounts have none.
    pub email: Option<ValueSource>,
    /// The source of `email_verified`; used only if there is an address.
    pub email_verified: ValueSource,
    /// The source of the groups.
    pub groups: GroupMapping,
    /// Further claims of the account, with the source of each by name.
    pub extra: Vec<(String, ValueSource)>,
}
