//! Cookies: their names and attributes (docs/design/serving.md#cookies).
//!
//! Tenants on one host share an origin, so each has names of its own. Under an https issuer the
//! `__Host-` prefix keeps other hosts and plain http from setting them (RFC 6265bis §4.1.3.2).

use http::HeaderMap;

use crate::{protocol::known_browser::KNOWN_BROWSER_TTL, registry::ServedTenant};

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookiePurpose {
    /// Names the session. `SameSite=None` under https, since relying parties ask with
    /// `prompt=none` from a frame and post from their own site.
    Session,
    /// Binds a browser to the sign-in that it began. `SameSite=Lax`.
    PreSession,
    /// Lets a page tell whether the session is still the same (OIDC Session Management §3). It is
    /// read by a script, and worth nothing.
    BrowserState,
    /// Sealed: who has signed in with this browser, so that nobody elsewhere keeps them waiting.
    KnownBrowser,
}

impl CookiePurpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::PreSession => "pre",
            Self::BrowserState => "state",
            Self::KnownBrowser => "device",
        }
    }
}

/// A cookie's name at a tenant.
pub(crate) fn name(purpose: CookiePurpose, tenant: &ServedTenant) -> String {
    let prefix = if tenant.tenant.issuer.is_https() { "__Host-" } else { "" };
    format!("{prefix}lanyard-{}-{}", purpose.word(), tenant.short_hash)
}

/// The `Set-Cookie` header of a new value; `None` takes the cookie away.
pub(crate) fn set(purpose: CookiePurpose, tenant: &ServedTenant, value: Option<&str>) -> String {
    let name = name(purpose, tenant);
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

/// The value of a cookie by name. Sent twice, as when another site of the domain planted one, it
/// counts as absent.
pub(crate) fn get<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
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
    fn the_session_is_found_from_frames_and_forms_of_other_sites_under_https() {
        // prompt=none in a frame, and POST to the authorization endpoint (OIDC Core §3.1.2.1)
        let cookie = set(CookiePurpose::Session, &served("https://id.test/team/shop"), Some("x"));
        assert!(cookie.starts_with("__Host-lanyard-session-"), "{cookie}");
        for attribute in ["; Path=/;", "; HttpOnly", "; SameSite=None", "; Secure"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
    }

    #[test]
    fn browsers_would_drop_such_a_cookie_under_http() {
        let cookie = set(CookiePurpose::Session, &served("http://localhost:8080/shop"), Some("x"));
        assert!(cookie.contains("; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    }

    #[test]
    fn a_sign_in_is_bound_by_a_cookie_that_no_form_of_another_site_brings() {
        let cookie = set(CookiePurpose::PreSession, &served("https://id.test/shop"), Some("x"));
        assert!(cookie.contains("; SameSite=Lax") && cookie.contains("; HttpOnly"), "{cookie}");
    }

    #[test]
    fn a_browser_is_remembered_after_it_was_closed() {
        let cookie = set(CookiePurpose::KnownBrowser, &served("https://id.test/shop"), Some("x"));
        for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=7776000"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
    }

    #[test]
    fn a_cookie_sent_twice_counts_as_absent() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(http::header::COOKIE, http::HeaderValue::from_static(value))])
        };
        assert_eq!(get(&headers("a=1; b=2"), "b"), Some("2"));
        assert_eq!(get(&headers("b=1; b=2"), "b"), None);
    }
}
