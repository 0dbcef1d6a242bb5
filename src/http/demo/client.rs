//! A client as its application knows it.

use std::collections::BTreeSet;

use crate::model::{AuthMethod, Client, GrantType, Issuer, ResponseType, Secret, Tenant};

/// A client of a tenant, and what the demo can do with it.
#[derive(Clone, Debug)]
pub struct DemoClient {
    /// The tenant's issuer.
    pub issuer: Issuer,
    /// The tenant's name for people.
    pub tenant: String,
    /// `client_id`.
    pub id: String,
    /// The client's name for people.
    pub name: String,
    /// From the client's Secret; none for public clients.
    pub secret: Option<Secret<String>>,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// What it may ask for.
    pub scopes: BTreeSet<String>,
    /// Whether the provider may send the browser back to the demo after logout.
    pub returns_after_logout: bool,
    /// Whether one can sign in with it here.
    pub form: SignInForm,
}

/// Whether and why not one can sign in with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInForm {
    /// One can.
    Ready,
    /// It does not use the code flow: a machine, perhaps.
    NoCodeFlow,
    /// The demo's callback is not among its redirect URIs.
    NotRegistered,
    /// Its secret is not there (yet).
    NoSecret,
}

impl DemoClient {
    /// A checked client; `callback` and `home` are the demo's.
    pub fn new(tenant: &Tenant, client: &Client, callback: &str, home: &str) -> Self {
        let returns =
            |uris: &[crate::model::RedirectUri], to: &str| uris.iter().any(|uri| uri.matches(to));
        let code_flow = client.grant_types.contains(&GrantType::AuthorizationCode)
            && client.response_types.contains(&ResponseType::Code);
        let form = if !code_flow {
            SignInForm::NoCodeFlow
        } else if !returns(&client.redirect_uris, callback) {
            SignInForm::NotRegistered
        } else if !client.is_public() && client.secrets.is_empty() {
            SignInForm::NoSecret
        } else {
            SignInForm::Ready
        };
        Self {
            issuer: tenant.issuer.clone(),
            tenant: tenant.display_name.clone(),
            id: client.id.as_str().to_owned(),
            name: client.name.clone(),
            secret: client.secrets.first().cloned(),
            auth_method: client.auth_method,
            scopes: client.scopes.as_ref().clone(),
            returns_after_logout: returns(&client.post_logout_redirect_uris, home),
            form,
        }
    }

    /// All it may ask for, `openid` first.
    pub(super) fn scope(&self) -> String {
        let others = self.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
    }
}
