//! The names and attributes of cookies (docs/design/serving.md#cookies).
//!
//! Tenants on one host share an origin, so each has cookie names of its own. Under an https issuer
//! the `__Host-` prefix prevents other hosts and plain http from setting them (RFC 6265bis
//! §4.1.3.2).

use http::HeaderMap;

use crate::{protocol::known_browser::KNOWN_BROWSER_TTL, registry::ServedTenant};

/// The purposes of cookies. Each has a name, a lifetime and attributes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookiePurpose {
    /// Identifies the session. `SameSite=None` under https, because relying parties send
    /// `prompt=none` requests from a frame and POST requests from their own site.
    Session,
    /// Binds a browser to the sign-in that it started. `SameSite=Lax`.
    PreSession,
    /// Lets the check-session iframe detect whether the session has changed (OIDC Session
    /// Management §3). A script reads it, and it grants no access.
    BrowserState,
    /// Sealed: identifies users who have signed in with this browser, so attempts from elsewhere do
    /// not delay them.
    KnownBrowser,
    /// Binds a browser to the sign-out at an identity provider that it was sent to. `SameSite=Lax`.
    UpstreamLogout,
    /// Sealed: the pushed authorization request that the browser opened last, so that its page can be
    /// loaded again. `SameSite=Lax`.
    OpenedPushedRequest,
}

impl CookiePurpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::PreSession => "pre",
            Self::BrowserState => "state",
            Self::KnownBrowser => "known-browser",
            Self::UpstreamLogout => "logout",
            Self::OpenedPushedRequest => "pushed",
        }
    }
}

/// A cookie's name at a tenant.
pub(crate) fn cookie_name(purpose: CookiePurpose, tenant: &ServedTenant) -> String {
    let prefix = if tenant.tenant.issuer.is_https() { "__Host-" } else { "" };
    format!("{prefix}lanyard-{}-{}", purpose.word(), tenant.short_hash)
}

/// The `Set-Cookie` header for a new value; `None` deletes the cookie.
pub(crate) fn set_cookie(
    purpose: CookiePurpose,
    tenant: &ServedTenant,
    value: Option<&str>,
) -> String {
    let name = cookie_name(purpose, tenant);
    let https = tenant.tenant.issuer.is_https();
    let same_site = match purpose {
        CookiePurpose::Session | CookiePurpose::BrowserState if https => "None",
        _ => "Lax",
    };
    let hidden = if purpose == CookiePurpose::BrowserState { "" } else { "; HttpOnly" };
    let secure = if https { "; Secure" } else { "" };
    let age = match (value, purpose) {
        (None, _) => "; Max-Age=0".to_owned(),
        (Some(_), CookiePurpose::KnownBrowser) => {
            format!("; Max-Age={}", KNOWN_BROWSER_TTL.as_secs())
        }
        (Some(_), _) => String::new(),
    };
    let value = value.unwrap_or_default();
    format!("{name}={value}; Path=/{hidden}; SameSite={same_site}{secure}{age}")
}

/// The value of a cookie by name. A cookie that is sent twice is treated as absent, because a sibling domain may
/// have planted one of them.
pub(crate) fn get_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut found = headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(other, value)| *other == name && !value.is_empty())
        .map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::KeyRing,
        model::{Issuer, fixtures},
    };

    fn served(issuer: &str) -> ServedTenant {
        let mut tenant = fixtures::tenant();
        tenant.issuer = Issuer::parse(issuer).expect("canonical");
        ServedTenant::new(tenant, KeyRing::default(), vec![], vec![])
    }

    #[test]
    fn the_session_cookie_is_sent_cross_site_under_https() {
        // prompt=none in a frame, and POST to the authorization endpoint (OIDC Core §3.1.2.1)
        let cookie =
            set_cookie(CookiePurpose::Session, &served("https://id.test/team/shop"), Some("x"));
        assert!(cookie.starts_with("__Host-lanyard-session-"), "{cookie}");
        for attribute in ["; Path=/;", "; HttpOnly", "; SameSite=None", "; Secure"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
    }

    #[test]
    fn the_session_cookie_is_lax_under_http() {
        let cookie =
            set_cookie(CookiePurpose::Session, &served("http://localhost:8080/shop"), Some("x"));
        assert!(cookie.contains("; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    }

    #[test]
    fn the_sign_in_cookie_is_not_sent_with_cross_site_forms() {
        let cookie =
            set_cookie(CookiePurpose::PreSession, &served("https://id.test/shop"), Some("x"));
        assert!(cookie.contains("; SameSite=Lax") && cookie.contains("; HttpOnly"), "{cookie}");
    }

    #[test]
    fn the_known_browser_cookie_is_persistent() {
        let cookie =
            set_cookie(CookiePurpose::KnownBrowser, &served("https://id.test/shop"), Some("x"));
        for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=7776000"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
    }

    #[test]
    fn a_cookie_sent_twice_counts_as_absent() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(http::header::COOKIE, http::HeaderValue::from_static(value))])
        };
        assert_eq!(get_cookie(&headers("a=1; b=2"), "b"), Some("2"));
        assert_eq!(get_cookie(&headers("b=1; b=2"), "b"), None);
    }
}
