//! CEL rules of `IdentityProvider`.

use kube::core::Rule;

use super::rule;
use crate::model::RESERVED_AUTHORIZATION_PARAMETERS;

/// The member that `type` names is set, and no other.
pub fn one_member() -> Rule {
    rule(
        "has(self.oidc) == (self.type == 'OIDC') && has(self.github) == (self.type == 'GitHub') && has(self.ldap) == (self.type == 'LDAP')",
        "must have the member that type names, and no other: oidc for OIDC, github for GitHub, ldap for LDAP",
    )
}

/// Sign-out at the provider is only for OpenID providers, because the other protocols have none.
pub fn logout_of_openid_providers() -> Rule {
    rule(
        "!has(self.logout) || self.logout != 'Upstream' || self.type == 'OIDC'",
        "logout must be Local unless type is OIDC, since only OpenID providers have a sign-out",
    )
}

/// Without an identity key of its own, subjects depend on the provider's address.
pub fn issuer_is_stable() -> Rule {
    rule(
        "has(self.identityKey) || ((!has(self.oidc) || !has(oldSelf.oidc) || (has(self.oidc.issuer) == has(oldSelf.oidc.issuer) && (!has(self.oidc.issuer) || self.oidc.issuer == oldSelf.oidc.issuer) && has(self.oidc.clientRef) == has(oldSelf.oidc.clientRef) && (!has(self.oidc.clientRef) || self.oidc.clientRef.name == oldSelf.oidc.clientRef.name))) && (!has(self.github) || !has(oldSelf.github) || (has(self.github.host) == has(oldSelf.github.host) && (!has(self.github.host) || self.github.host == oldSelf.github.host))))",
        "oidc.issuer, oidc.clientRef and github.host cannot be changed without identityKey, since every person would become another one",
    )
}

/// An identity key is one word of printable ASCII.
pub fn identity_key() -> Rule {
    rule("self.matches('^[!-~]+$')", "must be printable ASCII without spaces")
}

/// Either the issuer with a client id, or a client of this namespace.
pub fn client_once() -> Rule {
    rule(
        "has(self.clientRef) ? !has(self.issuer) && !has(self.clientId) && !has(self.clientSecretRef) && !has(self.privateKeyJwt) && !has(self.tenantIds) && !has(self.caRef) : has(self.issuer) && has(self.clientId)",
        "must have issuer and clientId, or clientRef alone, which gives issuer, clientId and credentials",
    )
}

/// A client authenticates in one way.
pub fn credentials_once() -> Rule {
    rule(
        "!(has(self.clientSecretRef) && has(self.privateKeyJwt))",
        "must not have both clientSecretRef and privateKeyJwt",
    )
}

/// The ids of directories are listed where the issuer has a place for them.
pub fn issuer_template() -> Rule {
    rule(
        "(has(self.issuer) && self.issuer.contains('{tenantid}')) == (has(self.tenantIds) && self.tenantIds.size() > 0)",
        "must have tenantIds if issuer has {tenantid}, and only then",
    )
}

/// Ids of directories of Microsoft Entra.
pub fn tenant_ids() -> Rule {
    rule(
        "self.all(id, id.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'))",
        "must be ids of directories in lower case, such as b9419818-09af-49c2-b0c3-653adc1f376e",
    )
}

/// The name of a parameter (RFC 6749 Appendix A.1) that requests do not set for themselves. Some servers
/// ignore its case.
pub fn authorization_parameter() -> Rule {
    let reserved = RESERVED_AUTHORIZATION_PARAMETERS.join("|");
    rule(
        &format!("self.matches('^[-._A-Za-z0-9]+$') && !self.matches('(?i)^({reserved})$')"),
        "must be the name of a parameter that Lanyard does not set itself, as it sets client_id, scope, state and login_hint",
    )
}

/// Parameters whose value decides whether people can sign in.
pub fn authorization_parameter_value() -> Rule {
    rule(
        "(self.name != 'prompt' || !self.value.matches('(^| )none( |$)')) && (self.name != 'response_mode' || self.value in ['query', 'form_post'])",
        "must not have prompt none, with which no user could sign in, nor a response_mode other than query and form_post",
    )
}

/// A host name, with a port if it is not 443.
pub fn host() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?(:[0-9]{1,5})?$')",
        "must be a host name in lower case, with a port if it is not 443",
    )
}

/// The URL of a directory.
pub fn ldap_url() -> Rule {
    rule(
        "self.matches('^ldaps?://([A-Za-z0-9.-]+|\\\\[[0-9A-Fa-f:.]+\\\\])(:[0-9]{1,5})?/?$')",
        "must be ldaps://HOST[:PORT], or ldap://HOST[:PORT] for StartTLS",
    )
}

/// The name of an attribute of a directory, or its OID.
pub fn ldap_attribute() -> Rule {
    rule(
        "self.matches('^([A-Za-z][A-Za-z0-9-]*|[0-9]+([.][0-9]+)+)$')",
        "must be the name of an attribute, such as uid, or its OID",
    )
}

/// Names of attributes of a directory.
pub fn ldap_attributes() -> Rule {
    rule(
        "self.all(name, name.matches('^([A-Za-z][A-Za-z0-9-]*|[0-9]+([.][0-9]+)+)$'))",
        "must be names of attributes, such as mail, or their OIDs",
    )
}

/// Domains of e-mail addresses.
pub fn domains() -> Rule {
    rule(
        "self.all(domain, domain.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$'))",
        "must be domains in lower case, such as example.com",
    )
}

/// One of `claim` and `expression`.
pub fn claim_or_expression() -> Rule {
    rule("!(has(self.claim) && has(self.expression))", "must have claim or expression, not both")
}

/// A claim with its value, or an expression.
pub fn claim_rule() -> Rule {
    rule(
        "has(self.claim) != has(self.expression) && has(self.claim) == has(self.requiredValue)",
        "must have claim and requiredValue, or expression",
    )
}
