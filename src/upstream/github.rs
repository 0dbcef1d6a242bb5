//! GitHub and GitHub Enterprise Server: OAuth, and the person's account, organizations and teams from
//! the REST API.

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{
    CodeExchange, UpstreamAnswer, UpstreamError,
    github_api::{GitHubApi, MAX_RESPONSE},
    github_teams::{add_parent_teams, organization_login, team_groups},
};
use crate::{
    fetch::{CallBody, ClientCall, SharedFetch},
    model::Secret,
    protocol::{
        identity_provider::{GitHubUpstream, UpstreamClaims},
        pkce,
        upstream::{UpstreamState, UpstreamTokens, parse_token_response},
    },
};

/// The scopes that give access to e-mail addresses, organizations and teams.
const SCOPES: &str = "read:user user:email read:org";

/// Returns the URL of GitHub's authorization page to send the browser to; `None` if the host makes no URL.
pub fn github_authorization_url(
    github: &GitHubUpstream,
    (state, sealed_state): (&UpstreamState, &str),
    redirect_uri: &str,
    login_hint: Option<&str>,
) -> Option<String> {
    let mut url = Url::parse(&format!("https://{}/login/oauth/authorize", github.host)).ok()?;
    url.query_pairs_mut()
        .append_pair("client_id", &github.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", SCOPES)
        .append_pair("state", sealed_state)
        .append_pair("code_challenge", &pkce::code_challenge(&state.code_verifier))
        .append_pair("code_challenge_method", "S256");
    if let Some(hint) = login_hint.filter(|hint| !hint.is_empty()) {
        url.query_pairs_mut().append_pair("login", hint);
    }
    Some(url.into())
}

/// Redeems a code, and reads the person.
///
/// # Errors
///
/// [`UpstreamError`] if GitHub does not answer, or the person is in no required organization.
pub async fn redeem_github_code(
    fetch: &SharedFetch,
    github: &GitHubUpstream,
    exchange: CodeExchange<'_>,
) -> Result<UpstreamAnswer, UpstreamError> {
    let parameters = [
        ("code", exchange.code),
        ("redirect_uri", exchange.redirect_uri),
        ("code_verifier", exchange.code_verifier),
    ];
    let tokens = request_tokens(fetch, github, &parameters).await?;
    let token = tokens.access_token.as_ref().ok_or(UpstreamError::NoAccessToken)?;
    let claims = github_claims(fetch, github, token).await?;
    Ok(UpstreamAnswer { claims, auth_time: None, acr: None, amr: Vec::new(), sid: None, tokens })
}

/// Gets new tokens by the refresh token of a GitHub App, whose access tokens expire. The refresh token is spent then.
///
/// # Errors
///
/// [`UpstreamError`] if GitHub does not answer, or refuses.
pub async fn refresh_github_tokens(
    fetch: &SharedFetch,
    github: &GitHubUpstream,
    refresh_token: &str,
) -> Result<UpstreamTokens, UpstreamError> {
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    request_tokens(fetch, github, &parameters).await
}

/// Reads the present claims of the person whose access token it is.
///
/// # Errors
///
/// [`UpstreamError`] if GitHub does not answer, or the person is in no required organization.
pub async fn github_claims(
    fetch: &SharedFetch,
    github: &GitHubUpstream,
    access_token: &Secret<String>,
) -> Result<UpstreamClaims, UpstreamError> {
    let api = GitHubApi::new(fetch, github, access_token);
    let user = api.get("/user").await?;
    let emails = api.list("/user/emails?per_page=100").await?;
    let memberships = api.list("/user/memberships/orgs?state=active&per_page=100").await?;
    let organizations: Vec<String> =
        memberships.iter().filter_map(|it| organization_login(it.get("organization"))).collect();
    let required = &github.organizations;
    let is_restricted = github.is_restricted();
    if is_restricted && !organizations.iter().any(|own| required.contains(own)) {
        return Err(UpstreamError::NotInOrganization);
    }
    let teams = api.list("/user/teams?per_page=100").await?;
    let counts = |team: &&Value| {
        !is_restricted
            || organization_login(team.get("organization")).is_some_and(|it| required.contains(&it))
    };
    let mut teams: Vec<Value> = teams.iter().filter(counts).cloned().collect();
    if github.team_parents {
        add_parent_teams(&api, &mut teams).await?;
    }
    let groups = team_groups(github.team_names, &teams);
    Ok(claims(&user, &emails, &organizations, &groups))
}

/// Sends a token request with the credentials of the app.
async fn request_tokens(
    fetch: &SharedFetch,
    github: &GitHubUpstream,
    parameters: &[(&str, &str)],
) -> Result<UpstreamTokens, UpstreamError> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &github.client_id)
        .append_pair("client_secret", github.client_secret.expose())
        .extend_pairs(parameters)
        .finish();
    let form = Secret::new(form);
    let url = format!("https://{}/login/oauth/access_token", github.host);
    let call = ClientCall {
        url: &url,
        authorization: None,
        accept: "application/json",
        body: Some(CallBody::form(&form)),
    };
    let response = fetch.call(call, MAX_RESPONSE).await?;
    Ok(parse_token_response(response.status, &response.body)?)
}

/// The claims of a person.
fn claims(
    user: &Value,
    emails: &[Value],
    organizations: &[String],
    groups: &[String],
) -> UpstreamClaims {
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    let mut claims = UpstreamClaims::new();
    let members = [
        ("id", user.get("id")),
        ("login", user.get("login")),
        ("name", user.get("name")),
        ("picture", user.get("avatar_url")),
        ("profile", user.get("html_url")),
        ("email", primary.and_then(|email| email.get("email"))),
        ("email_verified", primary.and_then(|email| email.get("verified"))),
    ];
    for (name, value) in members {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            claims.insert(name.to_owned(), value.clone());
        }
    }
    claims.insert("organizations".to_owned(), json!(organizations));
    claims.insert("groups".to_owned(), json!(groups));
    claims
}
