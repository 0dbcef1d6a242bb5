//! CEL rules of `Tenant`: the issuer's canonical form, keys, bounds and branding.

use kube::core::Rule;

use super::rule;
use crate::model::{Endpoint, REFUSED_SCHEMES, endpoints::STATIC_FILES};

/// OIDC Discovery §3. `registry::validate` decides where http is allowed, which depends on the
/// installation.
pub fn issuer_is_web_url() -> Rule {
    rule(
        "self.matches('^https?://')",
        "must be an absolute URL with https, such as https://id.example.com/team",
    )
}

/// OIDC Discovery §3: no query, fragment or user information.
pub fn issuer_has_host_and_path_only() -> Rule {
    rule(
        "!self.matches('[?#@]')",
        "must have no query (?), no fragment (#), and no user name or password",
    )
}

/// Each issuer has exactly one spelling.
pub fn issuer_is_canonical() -> Rule {
    rule(
        "self.matches('^https?://[^/A-Z]+(/|$)') && !self.matches('^https://[^/]+:443(/|$)') && !self.matches('^http://[^/]+:80(/|$)')",
        "must be in its canonical form: lower-case host, and no default port",
    )
}

/// Only path segments that every proxy interprets in the same way.
pub fn issuer_path_is_plain() -> Rule {
    rule(
        "self.matches('^https?://[^/]+(/[-._~A-Za-z0-9]+)*$') && !self.matches('/[.]{1,2}(/|$)')",
        "must have a path of plain segments (letters, digits, '-', '.', '_' and '~') without a trailing slash",
    )
}

/// The path of an issuer must not collide with an endpoint's.
pub fn issuer_is_not_an_endpoint() -> Rule {
    let segments = Endpoint::first_segments();
    let pattern = [&*segments, &[STATIC_FILES]].concat().join("|").replace('.', "[.]");
    rule(
        &format!("!self.matches('[^/]/({pattern})(/|$)')"),
        &format!(
            "must not contain a path segment with the name of an endpoint: {}",
            segments.join(", ")
        ),
    )
}

/// OIDC Discovery §3: `id_token_signing_alg_values_supported` includes RS256, which FAPI 2.0 Security Profile §5.4.1
/// forbids.
pub fn rs256_is_listed() -> Rule {
    rule(
        "!has(self.signing) || !has(self.signing.algorithms) || self.signing.algorithms.size() == 0 || ('RS256' in self.signing.algorithms) != has(self.profile)",
        "signing.algorithms must contain RS256, which OpenID Connect requires (put the default algorithm first), and must not with a profile",
    )
}

/// Caches must have a key before it signs.
pub fn published_before_signing() -> Rule {
    rule(
        "duration(has(self.publishAhead) ? self.publishAhead : '24h') < duration(has(self.interval) ? self.interval : '2160h')",
        "publishAhead (default 24h) must be shorter than interval (default 2160h)",
    )
}

/// Standard scopes have the same meaning at every tenant.
pub fn no_standard_scopes() -> Rule {
    rule(
        "self.all(scope, !(scope in ['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'groups', 'tenant']))",
        "must not define a standard scope; give the scope another name",
    )
}

/// A selector is required with, and only allowed with, `from: Selector`.
pub fn selector_only_with_from_selector() -> Rule {
    rule(
        "(has(self.from) && self.from == 'Selector') == has(self.selector)",
        "selector must be set with from: Selector, and only then",
    )
}

/// Label selector operators, as in Kubernetes.
pub fn values_match_operator() -> Rule {
    rule(
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
        "operators In and NotIn require values; Exists and DoesNotExist must have none",
    )
}

/// Host names, or a wildcard for all subdomains of one.
pub fn host_patterns() -> Rule {
    rule(
        "self.all(host, host.matches('^([*][.])?[^*/ ]+$'))",
        "must be host names, or *.example.com for all subdomains of a host",
    )
}

/// Schemes in lower case (RFC 3986 §3.1), other than those that no redirect URI may have.
pub fn redirect_schemes() -> Rule {
    rule(
        &format!(
            "self.all(scheme, scheme.matches('^[a-z][-+.a-z0-9]*$') && !(scheme in {REFUSED_SCHEMES:?}))"
        ),
        &format!(
            "must be schemes in lower case without ':', such as http, myapp or com.example.app, but not {}",
            REFUSED_SCHEMES.join(", ")
        ),
    )
}

/// `acr_values` is a space-separated list (OIDC Core §3.1.2.1).
pub fn acr_value() -> Rule {
    rule("self.matches('^[!-~]+$')", "must be printable ASCII without spaces")
}

/// The token is required with, and only allowed with, `mode: InitialAccessToken`.
pub fn token_only_with_initial_access_token() -> Rule {
    rule(
        "(has(self.mode) && self.mode == 'InitialAccessToken') == has(self.initialAccessTokenSecretRef)",
        "initialAccessTokenSecretRef must be set with mode: InitialAccessToken, and only then",
    )
}

/// Hosts are required with, and only allowed with, `mode: AllowedHosts`.
pub fn hosts_only_with_allowed_hosts() -> Rule {
    rule(
        "(has(self.mode) && self.mode == 'AllowedHosts') == (has(self.hosts) && self.hosts.size() > 0)",
        "hosts must be set with mode: AllowedHosts, and only then",
    )
}

/// Hosts are denied where all others are accepted.
pub fn denied_hosts_only_with_any_host() -> Rule {
    rule(
        "!has(self.deniedHosts) || self.deniedHosts.size() == 0 || (has(self.mode) && self.mode == 'AnyHost')",
        "deniedHosts must only be set with mode: AnyHost",
    )
}

/// A language tag as `messages::LanguageTag` parses it (RFC 5646).
pub fn language() -> Rule {
    rule(
        "self.matches('^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$')",
        "must be a language tag, such as de or pt-BR",
    )
}

/// Names of fonts, which become part of a style sheet.
pub fn font_names() -> Rule {
    rule(
        "self.all(name, name.matches('^[A-Za-z0-9][-_ A-Za-z0-9]*$'))",
        "must be names of fonts: letters, digits, spaces, '-' and '_'",
    )
}

/// A link of the pages has a name.
pub fn link_is_named() -> Rule {
    rule(
        "has(self.purpose) || (has(self.text) && size(self.text) > 0)",
        "a link must have a purpose or a text",
    )
}

/// Colors as CSS hex triplets.
pub fn color() -> Rule {
    rule("self.matches('^#[0-9A-Fa-f]{6}$')", "must be #rrggbb, such as #0f5fd7")
}

/// A host name or an IP address, without a port.
pub fn mail_host() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$') || self.matches('^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$')",
        "must be a host name or an IP address, such as smtp.example.com",
    )
}

/// The plain form of an address (RFC 5321 §4.1.2).
pub fn mail_address() -> Rule {
    rule(
        "self.matches('^[^@<>,;:\"\\\\s]+@[A-Za-z0-9.-]+$')",
        "must be an e-mail address without a name, such as id@example.com",
    )
}

/// A password is not sent over a connection that anyone can read.
pub fn credentials_are_encrypted() -> Rule {
    rule(
        "!(has(self.tls) && self.tls == 'Disabled' && has(self.credentialsSecretRef))",
        "credentialsSecretRef needs tls: StartTls or Implicit",
    )
}

/// Certificates verify a connection with TLS.
pub fn certificate_only_with_tls() -> Rule {
    rule(
        "!(has(self.tls) && self.tls == 'Disabled' && has(self.caRef))",
        "caRef needs tls: StartTls or Implicit",
    )
}
