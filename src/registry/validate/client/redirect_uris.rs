//! Redirect URIs that a client may have: their form is `model::RedirectUri`'s; this is about
//! schemes and hosts. Bounds of a tenant are in `bounds`.

use crate::{
    api::{ConditionReason, OidcClientSpec},
    model::{ApplicationType, Installation, ORIGIN_MESSAGE, RedirectScheme, RedirectUri},
    registry::validate::ProblemList,
};

/// Where a client comes from, as far as its redirect URIs depend on it.
#[derive(Clone, Copy, Debug)]
pub struct ClientOrigin<'a> {
    /// The namespace of the `OidcClient`.
    pub namespace: &'a str,
    /// Whether it registered itself (RFC 7591).
    pub registered: bool,
    /// Whether identity providers refer to this client. Their callback URIs are redirect URIs of the client too.
    pub has_callbacks: bool,
    /// The installation; `None` for metadata sent for registration.
    pub installation: Option<&'a Installation>,
}

/// The validated URIs of a client.
#[derive(Clone, Debug)]
pub struct CheckedUris {
    pub redirect: Vec<RedirectUri>,
    pub post_logout: Vec<RedirectUri>,
    /// Further origins that may read responses in browsers.
    pub origins: Vec<RedirectUri>,
}

impl CheckedUris {
    /// The lists with the fields that they come from.
    pub fn fields(&self) -> [(&'static str, &[RedirectUri]); 3] {
        [
            ("redirectUris", &self.redirect),
            ("postLogoutRedirectUris", &self.post_logout),
            ("allowedOrigins", &self.origins),
        ]
    }
}

/// Validates redirect URIs, post-logout redirect URIs and origins. Malformed ones are left out.
pub fn check_redirect_uris(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    application_type: ApplicationType,
    from: ClientOrigin<'_>,
) -> CheckedUris {
    let mut uris =
        |field: &str, written: &[String]| list(problems, field, written, (application_type, from));
    let checked = CheckedUris {
        redirect: uris("spec.redirectUris", &spec.redirect_uris),
        post_logout: uris("spec.postLogoutRedirectUris", &spec.post_logout_redirect_uris),
        origins: uris("spec.allowedOrigins", &spec.allowed_origins),
    };
    for uri in checked.origins.iter().filter(|uri| !uri.is_origin()) {
        let canonical = uri.origin().map(|origin| format!("; write {origin}")).unwrap_or_default();
        let message = format!("{:?} {ORIGIN_MESSAGE}{canonical}", uri.as_str());
        problems.invalid("spec.allowedOrigins", message);
    }
    checked
}

fn list(
    problems: &mut ProblemList,
    field: &str,
    written: &[String],
    (application_type, from): (ApplicationType, ClientOrigin<'_>),
) -> Vec<RedirectUri> {
    let mut uris: Vec<RedirectUri> = Vec::with_capacity(written.len());
    for (index, text) in written.iter().enumerate() {
        let field = format!("{field}[{index}]");
        match RedirectUri::parse(text, application_type) {
            Ok(uri) if uris.contains(&uri) => problems.invalid(field, "is a duplicate; remove it"),
            Ok(uri) => {
                check_scheme(problems, &field, &uri, (application_type, from));
                uris.push(uri);
            }
            Err(error) => problems.invalid(field, error),
        }
    }
    uris
}

/// Rule: manifests may use schemes of applications, and http where the installation allows it.
/// Clients that register themselves may use neither, except native ones the schemes that the tenant
/// lists (OIDC Registration §2, RFC 8252 §7).
fn check_scheme(
    problems: &mut ProblemList,
    field: &str,
    uri: &RedirectUri,
    (application_type, from): (ApplicationType, ClientOrigin<'_>),
) {
    match uri.scheme() {
        RedirectScheme::Https | RedirectScheme::LoopbackHttp => {}
        RedirectScheme::InsecureHttp if from.registered => {
            problems.invalid(
                field,
                "must use https; http is for loopback hosts (localhost, 127.0.0.1 and [::1])",
            );
        }
        RedirectScheme::InsecureHttp => insecure_http(problems, field, uri, from),
        RedirectScheme::Application => {
            if from.registered && application_type == ApplicationType::Web {
                let message = "must use https; custom schemes are for native applications, which register with application_type native, or with URIs of loopback hosts and custom schemes only";
                problems.invalid(field, message);
            }
        }
    }
}

fn insecure_http(
    problems: &mut ProblemList,
    field: &str,
    uri: &RedirectUri,
    from: ClientOrigin<'_>,
) {
    let host = uri.host().unwrap_or_default();
    let namespace = from.namespace;
    if from.installation.is_some_and(|it| it.allows_insecure_http(&host, namespace)) {
        let message = format!("{} is not encrypted; use https", uri.as_str());
        problems.warn(ConditionReason::InsecureHttp, field, message);
        return;
    }
    let message = format!(
        "must use https, since {host} is not a loopback host (localhost, 127.0.0.1 or [::1]); for http, add the host and namespace {namespace:?} to the installation's insecureHttpHosts"
    );
    problems.add_refusal(ConditionReason::HostNotAllowed, field, message);
}
