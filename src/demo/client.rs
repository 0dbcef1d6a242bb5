//! A client as its application is configured.

use std::collections::BTreeSet;

use crate::model::{AuthMethod, Client, GrantType, Issuer, ResponseType, Secret, Tenant};

/// A client of a tenant and its configuration in the demo.
#[derive(Clone, Debug)]
pub struct DemoClient {
    /// The issuer of the tenant, whose discovery document the demo reads.
    pub issuer: Issuer,
    /// The display name of the tenant.
    pub tenant: String,
    /// The `client_id` (RFC 6749 §2.2).
    pub id: String,
    /// The display name of the client.
    pub name: String,
    /// The secret from the client's Secret; `None` for public clients.
    pub secret: Option<Secret<String>>,
    /// The client authentication method at the token endpoint (OIDC Core §9).
    pub auth_method: AuthMethod,
    /// The scopes that it may request.
    pub scopes: BTreeSet<String>,
    /// Whether the provider may redirect to the demo after logout.
    pub returns_after_logout: bool,
    /// Whether the demo can sign in with this client.
    pub form: SignInForm,
}

/// Whether the demo can sign in with a client, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInForm {
    /// The demo can sign in with the client.
    Ready,
    /// The client does not use the code flow, for example because it is a service.
    NoCodeFlow,
    /// The demo's callback is not one of its redirect URIs.
    NotRegistered,
    /// The secret of the client does not exist yet.
    NoSecret,
}

impl DemoClient {
    /// Builds the configuration from a validated client; `callback` and `home` are the demo's URLs.
    pub fn new(tenant: &Tenant, client: &Client, callback: &str, home: &str) -> Self {
        let returns =
            |uris: &[crate::model::RedirectUri], to: &str| uris.iter().any(|uri| uri.matches(to));
        let code_flow = client.grant_types.contains(&GrantType::AuthorizationCode)
            && client.response_types.contains(&ResponseType::Code);
        let secrets = client.authentication.secrets();
        let form = if !code_flow {
            SignInForm::NoCodeFlow
        } else if !returns(&client.redirect_uris, callback) {
            SignInForm::NotRegistered
        } else if !client.is_public() && secrets.is_empty() {
            SignInForm::NoSecret
        } else {
            SignInForm::Ready
        };
        Self {
            issuer: tenant.issuer.clone(),
            tenant: tenant.display_name.clone(),
            id: client.id.as_str().to_owned(),
            name: client.name.clone(),
            secret: secrets.first().cloned(),
            auth_method: client.authentication.method(),
            scopes: client.scopes.as_ref().clone(),
            returns_after_logout: returns(&client.post_logout_redirect_uris, home),
            form,
        }
    }

    /// All scopes that the client may request, `openid` first.
    pub(super) fn scope(&self) -> String {
        let others = self.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
    }
}
