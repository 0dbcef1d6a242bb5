//! CEL rules of `OidcClient`: redirect URIs, and flows that agree with each other.

use kube::core::Rule;

use super::rule;

/// A field of URIs that may be absent, as a list.
fn uris(field: &str) -> String {
    format!("(has(self.{field}) ? self.{field} : [])")
}

/// The grant types with their default.
const GRANT_TYPES: &str = "(has(self.grantTypes) && self.grantTypes.size() > 0 ? self.grantTypes : ['authorization_code'])";
const IS_NATIVE: &str = "(has(self.applicationType) && self.applicationType == 'native')";
const IS_PUBLIC: &str =
    "(has(self.tokenEndpointAuthMethod) && self.tokenEndpointAuthMethod == 'none')";
const HAS_NO_SECRET: &str = "(has(self.tokenEndpointAuthMethod) && self.tokenEndpointAuthMethod in ['none', 'private_key_jwt'])";

/// Absolute URIs of plain ASCII.
pub fn absolute() -> Rule {
    rule(
        "self.all(uri, uri.matches('^[A-Za-z][-+.A-Za-z0-9]*:[!-~]+$'))",
        "must be absolute URIs in plain ASCII, such as https://app.example.com/callback",
    )
}

/// RFC 6749 §3.1.2.
pub fn no_fragment() -> Rule {
    rule("self.all(uri, !uri.contains('#'))", "must have no fragment (#)")
}

/// Schemes that run code or read files.
pub fn no_active_scheme() -> Rule {
    rule(
        "self.all(uri, !uri.matches('(?i)^(javascript|data|file|blob|vbscript|about):'))",
        "must not use the schemes javascript, data, file, blob, vbscript and about",
    )
}

/// RFC 9700 §2.1.
pub fn no_disguise() -> Rule {
    rule(
        "self.all(uri, !uri.matches('^[^:/]+://[^/?]*[@*]'))",
        "must have no user name, password or '*' in the host",
    )
}

/// RFC 3986 §3: nothing that browsers repair, and no more than a host before the path.
pub fn plain_web_uri() -> Rule {
    rule(
        "self.all(uri, !uri.matches('(?i)^https?:') || uri.matches('(?i)^https?://([-._a-z0-9]+|\\\\[[0-9a-f:.]+\\\\])(:[0-9]{1,5})?([/?][!#-;=?-\\\\[\\\\]_a-z~]*)?$'))",
        "must be scheme, ://, a host of letters, digits, '.', '-' and '_', and a path without characters that need escaping",
    )
}

/// RFC 8252 §7.3, OIDC Registration §2.
pub fn http_on_loopback_only() -> Rule {
    rule(
        "self.all(uri, !uri.matches('(?i)^http:') || uri.matches('(?i)^http://(localhost|127(\\\\.[0-9]{1,3}){3}|\\\\[::1\\\\])(:[0-9]{1,5})?([/?]|$)'))",
        "must use https (http is allowed on localhost, 127.0.0.1 and [::1] only)",
    )
}

/// Custom schemes are for applications on devices.
pub fn custom_schemes_for_native(field: &str) -> Rule {
    rule(
        &format!("{IS_NATIVE} || {}.all(uri, uri.matches('(?i)^https?:'))", uris(field)),
        &format!("{field} must use https; custom schemes are for applicationType: native"),
    )
}

/// RFC 8252 §7.1.
pub fn reverse_domain_schemes(field: &str) -> Rule {
    rule(
        &format!(
            "!{IS_NATIVE} || {}.all(uri, uri.matches('(?i)^(https?|[a-z][-+a-z0-9]*[.][-+.a-z0-9]*):'))",
            uris(field)
        ),
        &format!(
            "{field} must have custom schemes in reverse domain form, such as com.example.app:/callback"
        ),
    )
}

/// OIDC Registration §2, `application_type`.
pub fn implicit_needs_https() -> Rule {
    rule(
        &format!(
            "{IS_NATIVE} || !{GRANT_TYPES}.exists(grant, grant == 'implicit') || {}.all(uri, uri.startsWith('https:'))",
            uris("redirectUris")
        ),
        "redirectUris must use https, as web clients with the grant type implicit have to",
    )
}

/// Somewhere to send people back to.
pub fn redirects_somewhere() -> Rule {
    rule(
        &format!(
            "{}.size() > 0 || !{GRANT_TYPES}.exists(grant, grant in ['authorization_code', 'implicit'])",
            uris("redirectUris")
        ),
        "redirectUris must hold at least one URI for authorization_code and implicit (a machine uses grantTypes: [client_credentials])",
    )
}

/// RFC 6749 §6.
pub fn refresh_needs_code() -> Rule {
    rule(
        &format!(
            "!{GRANT_TYPES}.exists(grant, grant == 'refresh_token') || {GRANT_TYPES}.exists(grant, grant == 'authorization_code')"
        ),
        "grantTypes: refresh_token needs authorization_code, which refresh tokens come from",
    )
}

/// RFC 6749 §4.4.
pub fn machines_authenticate() -> Rule {
    rule(
        &format!("!{IS_PUBLIC} || !{GRANT_TYPES}.exists(grant, grant == 'client_credentials')"),
        "grantTypes: client_credentials needs a client that authenticates; choose another tokenEndpointAuthMethod than none",
    )
}

/// Response types that are there, their words in any order.
pub fn known_response_types() -> Rule {
    rule(
        "self.all(type, type.matches('^(code|id_token|token)( (code|id_token|token)){0,2}$') && type != 'token' \
         && type.split(' ').all(a, type.split(' ').exists_one(b, a == b)))",
        "must be code, id_token, id_token token, code id_token, code token or code id_token token",
    )
}

/// OIDC Registration §2: response types and grant types go together.
pub fn responses_agree(grant: &str, responses: &str) -> Rule {
    rule(
        &format!(
            "!has(self.responseTypes) || self.responseTypes.size() == 0 || \
             self.responseTypes.exists(type, {responses}) == {GRANT_TYPES}.exists(grant, grant == '{grant}')"
        ),
        &format!(
            "responseTypes must hold one for the grant type {grant} if that is listed, and none otherwise"
        ),
    )
}

/// One secret, of one origin.
pub fn one_secret() -> Rule {
    rule(
        "!has(self.secret) || !has(self.secretRef)",
        "secretRef excludes secret; keep one of the two",
    )
}

/// A public client has no secret.
pub fn public_without_secret() -> Rule {
    rule(
        &format!(
            "!{HAS_NO_SECRET} || (!has(self.secretRef) && !(has(self.secret) && has(self.secret.keys) && has(self.secret.keys.clientSecret)))"
        ),
        "tokenEndpointAuthMethod: none and private_key_jwt have no client secret; remove secretRef and secret.keys.clientSecret, or choose another method",
    )
}

/// OIDC Registration §2: not both.
pub fn keys_once() -> Rule {
    rule("!has(self.jwks) || !has(self.jwksUri)", "jwksUri excludes jwks; keep one of the two")
}

/// OIDC Core §9: `private_key_jwt` needs keys to check with.
pub fn keys_to_authenticate() -> Rule {
    rule(
        "!has(self.tokenEndpointAuthMethod) || self.tokenEndpointAuthMethod != 'private_key_jwt' || has(self.jwks) || has(self.jwksUri)",
        "tokenEndpointAuthMethod: private_key_jwt needs the application's public keys; give jwks or jwksUri",
    )
}

/// OIDC Registration §2, `id_token_signed_response_alg`.
pub fn unsigned_from_token_endpoint() -> Rule {
    rule(
        &format!(
            "!has(self.idTokenSignedResponseAlg) || self.idTokenSignedResponseAlg != 'none' || !(has(self.responseTypes) && size(self.responseTypes) > 0 ? self.responseTypes.exists(type, type.contains('id_token')) : {GRANT_TYPES}.exists(grant, grant == 'implicit'))"
        ),
        "idTokenSignedResponseAlg: none is for ID tokens from the token endpoint only; remove the response types with id_token, or choose an algorithm",
    )
}

/// OIDC Back-Channel Logout §2.2, Front-Channel Logout §2.
pub fn plain_url() -> Rule {
    rule("!self.contains('#')", "must have no fragment (#)")
}

/// Each entry of the Secret has a name of its own.
pub fn distinct_entries() -> Rule {
    rule(
        &format!(
            "{ENTRIES}.all(a, {ENTRIES}.exists_one(b, a == b)) && (!has(self.extra) || !{ENTRIES}.exists(entry, entry in self.extra))"
        ),
        "keys and extra must name different entries",
    )
}

const ENTRIES: &str = "[\
    has(self.keys) && has(self.keys.clientId) ? self.keys.clientId : 'client-id', \
    has(self.keys) && has(self.keys.clientSecret) ? self.keys.clientSecret : 'client-secret', \
    has(self.keys) && has(self.keys.issuer) ? self.keys.issuer : 'issuer']";

/// Characters that need no escaping anywhere.
pub fn client_id() -> Rule {
    rule(
        "self.matches('^[-._~A-Za-z0-9]+$')",
        "must have letters, digits, '-', '.', '_' and '~' only",
    )
}
