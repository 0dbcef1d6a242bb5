//! The pages of the demo: its index, the tokens after a sign-in, and problems.

use askama::Template;
use serde_json::{Map, Value};

use crate::model::Timestamp;

use super::{
    client::{DemoClient, SignInForm},
    flow::DemoFlow,
    id_token,
    problem::DemoError,
    sessions::DemoTokens,
};

pub(super) const STYLE: &str = include_str!("../../templates/demo/style.css");

#[derive(Template)]
#[template(path = "demo/index.html")]
struct IndexPage<'a> {
    home: &'a str,
    callback: &'a str,
    tenants: Vec<TenantView<'a>>,
    signed_in: Option<UserView<'a>>,
}

struct TenantView<'a> {
    name: &'a str,
    issuer: &'a str,
    clients: Vec<DemoClientView<'a>>,
}

struct DemoClientView<'a> {
    name: &'a str,
    id: &'a str,
    form: SignInForm,
    sign_in: String,
}

struct UserView<'a> {
    name: &'a str,
    client: &'a str,
}

#[derive(Template)]
#[template(path = "demo/session.html")]
struct SessionPage<'a> {
    home: &'a str,
    person: UserView<'a>,
    tenant: &'a str,
    issuer: &'a str,
    scope: &'a str,
    checks: &'a [String],
    id_token: TokenView<'a>,
    access_token: TokenView<'a>,
    access_token_expires: String,
    expired: bool,
    userinfo: Result<Vec<Row>, String>,
    can_refresh: bool,
    refreshes: u32,
}

#[derive(Template)]
#[template(path = "demo/problem.html")]
struct ProblemPage<'a> {
    home: &'a str,
    title: &'a str,
    message: &'a str,
    remedy: &'a str,
}

/// A JWT with its decoded header and claims.
struct TokenView<'a> {
    raw: &'a str,
    header: String,
    claims: Vec<Row>,
}

/// A claim as a row of a table.
struct Row {
    name: String,
    value: String,
    /// The meaning, if the name does not explain it.
    note: String,
}

pub(super) fn index_page(
    flow: &DemoFlow,
    clients: &[DemoClient],
    signed_in: Option<&DemoTokens>,
) -> String {
    let mut tenants: Vec<TenantView<'_>> = Vec::new();
    for client in clients {
        let view = DemoClientView {
            name: &client.name,
            id: &client.id,
            form: client.form,
            sign_in: sign_in_url(&flow.home, client),
        };
        match tenants.iter_mut().find(|tenant| tenant.issuer == client.issuer.as_str()) {
            Some(tenant) => tenant.clients.push(view),
            None => tenants.push(TenantView {
                name: &client.tenant,
                issuer: client.issuer.as_str(),
                clients: vec![view],
            }),
        }
    }
    tenants.sort_by_key(|tenant| (tenant.name, tenant.issuer));
    for tenant in &mut tenants {
        tenant.clients.sort_by_key(|client| (client.form != SignInForm::Ready, client.name));
    }
    let signed_in = signed_in.map(person);
    render(&IndexPage { home: &flow.home, callback: &flow.callback, tenants, signed_in })
}

pub(super) fn session_page(flow: &DemoFlow, signed_in: &DemoTokens, now: Timestamp) -> String {
    render(&SessionPage {
        home: &flow.home,
        person: person(signed_in),
        tenant: &signed_in.client.tenant,
        issuer: signed_in.client.issuer.as_str(),
        scope: &signed_in.scope,
        checks: &signed_in.checks,
        id_token: token(signed_in.id_token.expose()),
        access_token: token(signed_in.access_token.expose()),
        access_token_expires: signed_in.expires_at.to_string(),
        expired: signed_in.expires_at <= now,
        userinfo: signed_in.userinfo.as_ref().map(rows).map_err(ToString::to_string),
        can_refresh: signed_in.refresh_token.is_some(),
        refreshes: signed_in.refreshes,
    })
}

pub(super) fn demo_problem_page(flow: &DemoFlow, problem: &DemoError) -> String {
    let DemoError { title, message, remedy, .. } = problem;
    render(&ProblemPage { home: &flow.home, title, message, remedy })
}

fn render(page: &impl Template) -> String {
    page.render().expect("writing to a string does not fail")
}

fn sign_in_url(home: &str, client: &DemoClient) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("issuer", client.issuer.as_str())
        .append_pair("client_id", &client.id)
        .finish();
    format!("{home}/sign-in?{query}")
}

fn person(signed_in: &DemoTokens) -> UserView<'_> {
    let known = [signed_in.userinfo.as_ref().ok(), Some(&signed_in.claims)];
    let name = ["name", "preferred_username", "email", "sub"].into_iter().find_map(|name| {
        known.into_iter().flatten().find_map(|claims| claims.get(name).and_then(Value::as_str))
    });
    UserView { name: name.unwrap_or("somebody"), client: &signed_in.client.name }
}

fn token(raw: &str) -> TokenView<'_> {
    match id_token::peek_id_token(raw) {
        Some((header, claims)) => {
            TokenView { raw, header: header.to_string(), claims: rows(&claims) }
        }
        None => TokenView { raw, header: String::new(), claims: Vec::new() },
    }
}

fn rows(claims: &Map<String, Value>) -> Vec<Row> {
    claims
        .iter()
        .map(|(name, value)| Row {
            name: name.clone(),
            value: match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            note: note(name, value),
        })
        .collect()
}

fn note(name: &str, value: &Value) -> String {
    let time = || value.as_i64().map(|secs| Timestamp::from_secs(secs).to_string());
    match name {
        "exp" => format!("Expires at {}", time().unwrap_or_default()),
        "iat" => format!("Issued at {}", time().unwrap_or_default()),
        "nbf" => format!("Not before {}", time().unwrap_or_default()),
        "auth_time" => format!("Signed in at {}", time().unwrap_or_default()),
        "updated_at" => format!("Changed at {}", time().unwrap_or_default()),
        _ => meaning(name).to_owned(),
    }
}

fn meaning(name: &str) -> &'static str {
    match name {
        "iss" => "The issuer",
        "sub" => "The user's id at this issuer; it never changes",
        "aud" => "The intended recipient",
        "azp" | "client_id" => "The application",
        "nonce" => "Binds the token to the request",
        "at_hash" => "Binds the token to the access token",
        "sid" => "The session at the issuer",
        "jti" => "The token's id",
        "grant_id" => "The grant that the token belongs to",
        "amr" => "How the user signed in",
        "acr" => "The assurance level of the sign-in",
        "scope" | "scopes" => "The granted scopes",
        "tenant_name" => "The organisation",
        "tenant_sub" => "The organisation's id",
        _ => "",
    }
}
