//! CEL rules of `OidcClient`: redirect URIs, and flows that must be consistent.

use kube::core::Rule;

use super::rule;
use crate::model::{GrantType, ORIGIN_MESSAGE, REFUSED_SCHEMES, RedirectUriError};

/// CEL expression for a list of URIs that may be absent.
fn uris(field: &str) -> String {
    format!("(has(self.{field}) ? self.{field} : [])")
}

/// CEL expression for the grant types with their default.
const GRANT_TYPES: &str = "(has(self.grantTypes) && self.grantTypes.size() > 0 ? self.grantTypes : ['authorization_code'])";
const IS_NATIVE: &str = "(has(self.applicationType) && self.applicationType == 'native')";
const IS_PUBLIC: &str =
    "(has(self.tokenEndpointAuthMethod) && self.tokenEndpointAuthMethod == 'none')";
const HAS_NO_SECRET: &str = "(has(self.tokenEndpointAuthMethod) && self.tokenEndpointAuthMethod in ['none', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'])";

/// URIs must be absolute and plain ASCII.
pub fn absolute() -> Rule {
    rule(
        "self.all(uri, uri.matches('^[A-Za-z][-+.A-Za-z0-9]*:[!-~]+$'))",
        "must be absolute URIs in plain ASCII, such as https://app.example.com/callback",
    )
}

/// Redirect URIs have no fragment (RFC 6749 §3.1.2).
pub fn no_fragment() -> Rule {
    rule("self.all(uri, !uri.contains('#'))", "must have no fragment (#)")
}

/// Rejects schemes that run code, read files or reach no application.
pub fn no_active_scheme() -> Rule {
    rule(
        &format!("self.all(uri, !uri.matches('(?i)^({}):'))", REFUSED_SCHEMES.join("|")),
        &format!("must not use the schemes {}", REFUSED_SCHEMES.join(", ")),
    )
}

/// RFC 9700 §2.1: no user information.
pub fn no_disguise() -> Rule {
    rule(
        "self.all(uri, !uri.matches('^[^:/]+://[^/?]*@'))",
        "must have no user name or password before the host",
    )
}

/// Redirect URIs are not patterns (RFC 9700 §2.1).
pub fn no_wildcard() -> Rule {
    rule("self.all(uri, !uri.contains('*'))", &RedirectUriError::Wildcard.to_string())
}

/// RFC 3986 §3: only characters that browsers do not rewrite, and only a host and port before the
/// path.
pub fn plain_web_uri() -> Rule {
    rule(
        "self.all(uri, !uri.matches('(?i)^https?:') || uri.matches('(?i)^https?://([-._a-z0-9]+|\\\\[[0-9a-f:.]+\\\\])(:[0-9]{1,5})?([/?][!#-;=?-\\\\[\\\\]_a-z~]*)?$'))",
        "must be scheme, ://, a host of letters, digits, '.', '-' and '_', and a path without characters that need escaping",
    )
}

/// Origins as browsers serialize them (Fetch, "HTTP extensions").
pub fn origins() -> Rule {
    rule(
        "self.all(origin, origin.matches('^[a-z][-+.a-z0-9]*://([-._a-z0-9]+|\\\\[[0-9a-f:.]+\\\\])(:[0-9]{1,5})?$'))",
        ORIGIN_MESSAGE,
    )
}

/// OIDC Registration §2, `application_type`: web clients with `implicit` use https.
pub fn implicit_needs_https() -> Rule {
    rule(
        &format!(
            "{IS_NATIVE} || !{GRANT_TYPES}.exists(grant, grant == 'implicit') || {}.all(uri, uri.startsWith('https:'))",
            uris("redirectUris")
        ),
        "redirectUris must use https for web clients with the grant type implicit",
    )
}

/// RFC 6749 §6: refresh tokens come with the grants that begin with a person's consent.
pub fn refresh_needs_code() -> Rule {
    let grants: Vec<_> =
        GrantType::ALL.into_iter().filter(|it| it.may_refresh()).map(GrantType::as_str).collect();
    rule(
        &format!(
            "!{GRANT_TYPES}.exists(grant, grant == 'refresh_token') || {GRANT_TYPES}.exists(grant, grant in ['{}'])",
            grants.join("', '")
        ),
        &format!("grantTypes: refresh_token requires one of {}", grants.join(", ")),
    )
}

/// CIBA Core §4: the mode `ping` needs an endpoint, and the endpoint the mode.
pub fn ping_needs_endpoint() -> Rule {
    rule(
        "(has(self.backchannelTokenDeliveryMode) && self.backchannelTokenDeliveryMode == 'ping') == has(self.backchannelClientNotificationEndpoint)",
        "backchannelTokenDeliveryMode: ping requires backchannelClientNotificationEndpoint, which no other mode has",
    )
}

/// CIBA Core §4: the delivery mode is that of the grant type.
pub fn delivery_needs_grant() -> Rule {
    let grant = GrantType::Ciba;
    rule(
        &format!(
            "!has(self.backchannelTokenDeliveryMode) || {GRANT_TYPES}.exists(grant, grant == '{grant}')"
        ),
        &format!("backchannelTokenDeliveryMode requires the grant type {grant}"),
    )
}

/// RFC 6749 §4.4, RFC 8693 §5: only confidential clients may use `client_credentials` and token exchange.
pub fn machines_authenticate() -> Rule {
    let grants = GrantType::ALL.into_iter().filter(|it| it.requires_client_authentication());
    let names: Vec<_> = grants.map(|grant| format!("'{grant}'")).collect();
    let names = names.join(", ");
    rule(
        &format!("!{IS_PUBLIC} || !{GRANT_TYPES}.exists(grant, grant in [{names}])"),
        &format!(
            "grantTypes: each of {} requires client authentication; set tokenEndpointAuthMethod to a method other than none",
            names.replace('\'', "")
        ),
    )
}

/// RFC 7523 §2.1: the assertion of the grant `jwt-bearer` is of another issuer.
pub fn grants_by_assertion() -> Rule {
    let grant = GrantType::JwtBearer;
    rule(
        &format!(
            "!{GRANT_TYPES}.exists(grant, grant == '{grant}') || (has(self.federatedCredentials) && self.federatedCredentials.size() > 0)"
        ),
        &format!("grantTypes: {grant} requires federatedCredentials"),
    )
}

/// Known response types, their words in any order.
pub fn known_response_types() -> Rule {
    rule(
        "self.all(type, type.matches('^(code|id_token|token)( (code|id_token|token)){0,2}$') && type != 'token' \
         && type.split(' ').all(a, type.split(' ').exists_one(b, a == b)))",
        "must be code, id_token, id_token token, code id_token, code token or code id_token token",
    )
}

/// OIDC Registration §2: response types and grant types must be consistent.
pub fn responses_agree(grant: &str, responses: &str) -> Rule {
    rule(
        &format!(
            "!has(self.responseTypes) || self.responseTypes.size() == 0 || \
             self.responseTypes.exists(type, {responses}) == {GRANT_TYPES}.exists(grant, grant == '{grant}')"
        ),
        &format!(
            "responseTypes must contain one for the grant type {grant} if grantTypes contains it, and none otherwise"
        ),
    )
}

/// A secret is either generated or referenced.
pub fn one_secret() -> Rule {
    rule(
        "!has(self.secret) || !has(self.secretRef)",
        "secretRef and secret are mutually exclusive; remove one",
    )
}

/// A client without a client secret must not configure one.
pub fn public_without_secret() -> Rule {
    rule(
        &format!(
            "!{HAS_NO_SECRET} || (!has(self.secretRef) && !(has(self.secret) && has(self.secret.keys) && has(self.secret.keys.clientSecret)))"
        ),
        "tokenEndpointAuthMethod: none, private_key_jwt, tls_client_auth and self_signed_tls_client_auth have no client secret; remove secretRef and secret.keys.clientSecret, or choose another method",
    )
}

/// OIDC Registration §2: `jwks` and `jwks_uri` are mutually exclusive.
pub fn keys_once() -> Rule {
    rule(
        "!has(self.jwks) || !has(self.jwksUri)",
        "jwksUri and jwks are mutually exclusive; remove one",
    )
}

/// OIDC Core §9, RFC 8705 §2.2.2: `private_key_jwt` and `self_signed_tls_client_auth` need public keys.
pub fn keys_to_authenticate() -> Rule {
    rule(
        "!has(self.tokenEndpointAuthMethod) || !(self.tokenEndpointAuthMethod in ['private_key_jwt', 'self_signed_tls_client_auth']) || has(self.jwks) || has(self.jwksUri) || (self.tokenEndpointAuthMethod == 'private_key_jwt' && has(self.federatedCredentials) && self.federatedCredentials.size() > 0)",
        "tokenEndpointAuthMethod: private_key_jwt and self_signed_tls_client_auth require the application's public keys; set jwks or jwksUri, or federatedCredentials for private_key_jwt",
    )
}

/// RFC 8705 §2.1: `tls_client_auth` needs the name of a certificate, and no other method has one.
pub fn certificate_to_authenticate() -> Rule {
    rule(
        "has(self.tlsClientAuth) == (has(self.tokenEndpointAuthMethod) && self.tokenEndpointAuthMethod == 'tls_client_auth')",
        "tlsClientAuth must be set with tokenEndpointAuthMethod: tls_client_auth, and only with it",
    )
}

/// RFC 8705 §2.1.2: a certificate is known by one of its names.
pub fn one_certificate_name() -> Rule {
    rule(
        "[has(self.subjectDn), has(self.sanDns), has(self.sanUri), has(self.sanIp), has(self.sanEmail)].filter(set, set).size() == 1",
        "must have exactly one of subjectDn, sanDns, sanUri, sanIp and sanEmail",
    )
}

/// A token is bound to one key.
pub fn one_token_binding() -> Rule {
    rule(
        "!(has(self.dpopBoundAccessTokens) && self.dpopBoundAccessTokens && has(self.tlsClientCertificateBoundAccessTokens) && self.tlsClientCertificateBoundAccessTokens)",
        "dpopBoundAccessTokens and tlsClientCertificateBoundAccessTokens must not both be true; remove one",
    )
}

/// RFC 7523 §2.2: federated credentials are assertions.
pub fn federated_by_assertion() -> Rule {
    rule(
        "!has(self.federatedCredentials) || self.federatedCredentials.size() == 0 || (has(self.tokenEndpointAuthMethod) && self.tokenEndpointAuthMethod == 'private_key_jwt')",
        "federatedCredentials requires tokenEndpointAuthMethod: private_key_jwt",
    )
}

/// A federated credential is of one issuer, or of a ServiceAccount, whose keys and subject follow from its
/// name.
pub fn one_issuer() -> Rule {
    rule(
        "has(self.issuer) != has(self.serviceAccountRef) && !(has(self.serviceAccountRef) && (has(self.jwks) || has(self.subject) || has(self.subjectPattern)))",
        "must have issuer with subject or subjectPattern, or serviceAccountRef without issuer, jwks, subject and subjectPattern",
    )
}

/// A federated credential of an issuer is for one subject, or for those of a pattern.
pub fn one_subject() -> Rule {
    rule(
        "has(self.serviceAccountRef) || has(self.subject) != has(self.subjectPattern)",
        "must have subject or subjectPattern, and not both",
    )
}

/// Subjects and audiences are compared as exact strings.
pub fn federated_subject() -> Rule {
    rule("self.matches('^[!-~]+$')", "must be printable ASCII without spaces")
}

/// A pattern names something before its first `*`.
pub fn subject_pattern() -> Rule {
    rule(
        "self.matches('^[!-)+-~]+[*][!-~]*$')",
        "must be printable ASCII with text before the first '*', such as repo:acme/*",
    )
}

/// OIDC Registration §2, `id_token_signed_response_alg`: `none` only without ID tokens from the
/// authorization endpoint.
pub fn unsigned_from_token_endpoint() -> Rule {
    rule(
        &format!(
            "!has(self.idTokenSignedResponseAlg) || self.idTokenSignedResponseAlg != 'none' || !(has(self.responseTypes) && size(self.responseTypes) > 0 ? self.responseTypes.exists(type, type.contains('id_token')) : {GRANT_TYPES}.exists(grant, grant == 'implicit'))"
        ),
        "idTokenSignedResponseAlg: none requires that ID tokens are issued at the token endpoint only; remove the response types with id_token, or set an algorithm",
    )
}

/// OIDC Back-Channel Logout §2.2, Front-Channel Logout §2: no fragment.
pub fn plain_url() -> Rule {
    rule("!self.contains('#')", "must have no fragment (#)")
}

/// The entries of the Secret have different names.
pub fn distinct_entries() -> Rule {
    rule(
        &format!(
            "{ENTRIES}.all(a, {ENTRIES}.exists_one(b, a == b)) && (!has(self.extra) || !{ENTRIES}.exists(entry, entry in self.extra)) \
             && (!has(self.template) || (!{ENTRIES}.exists(entry, entry in self.template) && (!has(self.extra) || !self.extra.exists(entry, entry in self.template))))"
        ),
        "keys, extra and template must name different entries",
    )
}

const ENTRIES: &str = "([\
    has(self.keys) && has(self.keys.clientId) ? self.keys.clientId : 'client-id', \
    has(self.keys) && has(self.keys.clientSecret) ? self.keys.clientSecret : 'client-secret', \
    has(self.keys) && has(self.keys.issuer) ? self.keys.issuer : 'issuer'] \
    + (has(self.keys) && has(self.keys.internalUrl) ? [self.keys.internalUrl] : []))";

/// Client IDs consist of characters that URLs and logs show as they are.
pub fn client_id() -> Rule {
    rule(
        "self.matches('^[-._~:/@A-Za-z0-9]+$')",
        "must consist of letters, digits, '-', '.', '_', '~', ':', '/' and '@'",
    )
}
