//! The issuers of Microsoft Entra. An application for people of several directories has one discovery document, and
//! its issuer is a template. Each token has the issuer of its directory, which `tid` names.

use std::borrow::Cow;

use super::{OidcUpstream, UpstreamClaims};

/// The part of an issuer that is replaced by the id of a directory.
pub const TENANT_PLACEHOLDER: &str = "{tenantid}";
/// The claim with the id of the directory.
pub const TENANT_CLAIM: &str = "tid";
/// The place of the discovery document for all directories of organizations.
pub const ORGANIZATIONS: &str = "organizations";
/// The directory of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The reason why no issuer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerTemplateError {
    /// The claims name no directory.
    Missing,
    /// The directory is not listed.
    NotListed,
}

impl OidcUpstream {
    /// The URL below which the discovery document is. Personal accounts sign in at `common` only.
    pub fn discovery_base(&self) -> Cow<'_, str> {
        let with_consumers = self.tenant_ids.iter().any(|id| id == CONSUMERS);
        self.with_directory(if with_consumers { "common" } else { ORGANIZATIONS })
    }

    /// The issuer that tokens with these claims must have.
    ///
    /// # Errors
    ///
    /// [`IssuerTemplateError`] if the issuer is a template, and the claims are of no listed directory.
    pub fn issuer_of(&self, claims: &UpstreamClaims) -> Result<Cow<'_, str>, IssuerTemplateError> {
        Ok(self.with_directory(self.directory_of(claims)?.unwrap_or_default()))
    }

    /// Returns true for the issuer, or for the issuer of a listed directory if it is a template.
    pub fn has_issuer(&self, issuer: &str) -> bool {
        if self.tenant_ids.is_empty() {
            return issuer == self.issuer;
        }
        self.tenant_ids.iter().any(|id| self.with_directory(id) == issuer)
    }

    /// Returns true if the claims have an accepted issuer. That is the issuer of their directory. Claims that name
    /// no directory, as in a logout token, may have the issuer of any listed one.
    pub fn accepts_issuer_of(&self, claims: &UpstreamClaims) -> bool {
        let issuer = claims.get("iss").and_then(serde_json::Value::as_str).unwrap_or_default();
        if claims.contains_key(TENANT_CLAIM) {
            self.issuer_of(claims).is_ok_and(|expected| expected == issuer)
        } else {
            self.has_issuer(issuer)
        }
    }

    /// Returns true if a published key with the member `issuer` signs for an issuer. Where that is one of
    /// a template, the keys of all directories are published together.
    pub fn is_key_for(&self, issuer_of_key: &str, issuer: &str) -> bool {
        let is_of = |id: &String| {
            issuer == self.with_directory(id)
                && issuer == issuer_of_key.replace(TENANT_PLACEHOLDER, id)
        };
        self.tenant_ids.is_empty() || self.tenant_ids.iter().any(is_of)
    }

    /// The directory of the claims; `None` if the issuer is not a template.
    pub(super) fn directory_of(
        &self,
        claims: &UpstreamClaims,
    ) -> Result<Option<&str>, IssuerTemplateError> {
        if self.tenant_ids.is_empty() {
            return Ok(None);
        }
        let named = claims.get(TENANT_CLAIM).and_then(serde_json::Value::as_str);
        let named = named.ok_or(IssuerTemplateError::Missing)?;
        let listed = self.tenant_ids.iter().find(|id| *id == named);
        listed.map(|id| Some(id.as_str())).ok_or(IssuerTemplateError::NotListed)
    }

    fn with_directory(&self, directory: &str) -> Cow<'_, str> {
        if self.tenant_ids.is_empty() {
            Cow::Borrowed(&self.issuer)
        } else {
            Cow::Owned(self.issuer.replace(TENANT_PLACEHOLDER, directory))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::identity_provider::{
        ProviderSource, UpstreamIdentity, fixtures::sample_provider, identity_of,
    };

    const ONE: &str = "b9419818-09af-49c2-b0c3-653adc1f376e";

    fn upstream(issuer: &str, ids: &[&str]) -> OidcUpstream {
        let ProviderSource::Oidc(oidc) = sample_provider().source else { panic!("OIDC") };
        let tenant_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        OidcUpstream { issuer: issuer.to_owned(), tenant_ids, ..oidc }
    }

    fn claims(tid: &serde_json::Value) -> UpstreamClaims {
        let claims = json!({"sub": "1", "tid": tid});
        claims.as_object().expect("an object").clone()
    }

    #[test]
    fn an_issuer_template_accepts_the_issuers_of_listed_directories_only() {
        let template = upstream("https://login.test/{tenantid}/v2.0", &[ONE]);
        assert_eq!(template.discovery_base(), "https://login.test/organizations/v2.0");
        let issuer = format!("https://login.test/{ONE}/v2.0");
        assert_eq!(template.issuer_of(&claims(&json!(ONE))).as_deref(), Ok(&*issuer));
        assert!(template.has_issuer(&issuer));
        assert!(!template.has_issuer("https://login.test/{tenantid}/v2.0"));
        for (tid, error) in [
            (json!(null), IssuerTemplateError::Missing),
            (json!([ONE]), IssuerTemplateError::Missing),
            (json!(""), IssuerTemplateError::NotListed),
            (json!(ONE.to_ascii_uppercase()), IssuerTemplateError::NotListed),
            (json!(CONSUMERS), IssuerTemplateError::NotListed),
        ] {
            assert_eq!(template.issuer_of(&claims(&tid)), Err(error), "{tid}");
        }
        let personal = upstream("https://login.test/{tenantid}/v2.0", &[ONE, CONSUMERS]);
        assert_eq!(personal.discovery_base(), "https://login.test/common/v2.0");
    }

    #[test]
    fn claims_without_a_directory_have_the_issuer_of_a_listed_one() {
        const TEMPLATE: &str = "https://login.test/{tenantid}/v2.0";
        const TWO: &str = "690222be-ff1a-4d56-abd1-7e4f7d38e474";
        let template = upstream(TEMPLATE, &[ONE, TWO]);
        let accepts = |issuer: &str, tid: Option<&str>| {
            let mut claims = UpstreamClaims::from_iter([("iss".to_owned(), issuer.into())]);
            claims.extend(tid.map(|tid| (TENANT_CLAIM.to_owned(), tid.into())));
            template.accepts_issuer_of(&claims)
        };
        let of = |id: &str| TEMPLATE.replace(TENANT_PLACEHOLDER, id);
        assert!(accepts(&of(ONE), None) && accepts(&of(ONE), Some(ONE)));
        for (issuer, tid) in [
            (of(TWO), Some(ONE)),
            (of(CONSUMERS), None),
            (of(CONSUMERS), Some(CONSUMERS)),
            (of(ONE), Some(CONSUMERS)),
            (TEMPLATE.to_owned(), None),
            (String::new(), None),
        ] {
            assert!(!accepts(&issuer, tid), "{issuer} {tid:?}");
        }
    }

    #[test]
    fn a_key_signs_for_its_issuer() {
        const TEMPLATE: &str = "https://login.test/{tenantid}/v2.0";
        const TWO: &str = "690222be-ff1a-4d56-abd1-7e4f7d38e474";
        let template = upstream(TEMPLATE, &[ONE, TWO]);
        let of = |id: &str| TEMPLATE.replace(TENANT_PLACEHOLDER, id);
        assert!(template.is_key_for(TEMPLATE, &of(ONE)));
        assert!(template.is_key_for(&of(ONE), &of(ONE)));
        for other in [of(TWO), of(CONSUMERS), "https://other.test/{tenantid}".into(), String::new()]
        {
            assert!(!template.is_key_for(&other, &of(ONE)), "{other}");
        }
        assert!(!template.is_key_for(TEMPLATE, &of(CONSUMERS)));
        // Elsewhere all keys of the document are those of the issuer.
        assert!(upstream("https://login.test", &[]).is_key_for("x", "https://login.test"));
    }

    #[test]
    fn an_issuer_without_directories_is_as_written() {
        let plain = upstream("https://login.test/{tenantid}", &[]);
        assert_eq!(plain.discovery_base(), "https://login.test/{tenantid}");
        assert_eq!(plain.issuer_of(&claims(&json!(ONE))).as_deref(), Ok(plain.issuer.as_str()));
        assert!(plain.has_issuer("https://login.test/{tenantid}") && !plain.has_issuer("x"));
    }

    #[test]
    fn the_subject_is_that_of_the_directorys_own_issuer() {
        let of = |issuer: &str, ids: &[&str]| {
            let mut provider = sample_provider();
            provider.identity_key = issuer.to_owned();
            provider.source = ProviderSource::Oidc(upstream(issuer, ids));
            provider
        };
        let template = of("https://login.test/{tenantid}/v2.0", &[ONE]);
        let own = of(&format!("https://login.test/{ONE}/v2.0"), &[]);
        let identity = |provider| -> Option<UpstreamIdentity> {
            identity_of(provider, &claims(&json!(ONE))).ok()
        };
        assert!(identity(&template).is_some());
        assert_eq!(identity(&template), identity(&own));
    }
}
