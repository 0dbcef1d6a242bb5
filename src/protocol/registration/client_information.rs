//! The client information response (RFC 7591 §3.2.1, RFC 7592 §3). It contains all registered
//! metadata, including defaults.

use serde_json::{Map, Value, json};

use crate::model::{
    ApplicationType, Client, IdTokenAlgorithm, JwsAlgorithm, RedirectUri, SigningAlgorithm,
    SubjectType,
};

/// The members of the response in addition to metadata.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationAccess<'a> {
    /// The URL of the client configuration endpoint.
    pub uri: &'a str,
    /// The registration access token.
    pub token: &'a str,
}

/// Returns the response for a served client.
pub fn client_information_response(client: &Client, access: RegistrationAccess<'_>) -> Value {
    let mut members = metadata(client);
    members.insert("registration_client_uri".to_owned(), access.uri.into());
    members.insert("registration_access_token".to_owned(), access.token.into());
    if let Some(at) = client.registered.as_ref().and_then(|it| it.at) {
        members.insert("client_id_issued_at".to_owned(), at.secs().into());
    }
    if let Some(secret) = client.authentication.secrets().first() {
        members.insert("client_secret".to_owned(), secret.expose().as_str().into());
        // The secret does not expire (RFC 7591 §3.2.1).
        members.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    members.into()
}

/// Returns the registered metadata, including the client ID.
pub fn metadata(client: &Client) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            members.insert(name.to_owned(), value);
        }
    };
    put("client_id", client.id.as_str().into());
    put("client_name", client.name.as_str().into());
    flows(client, &mut put);
    for (name, text) in [
        ("client_uri", &client.details.client_uri),
        ("logo_uri", &client.details.logo_uri),
        ("policy_uri", &client.details.policy_uri),
        ("tos_uri", &client.details.tos_uri),
        ("sector_identifier_uri", &client.details.sector_identifier_uri),
        ("initiate_login_uri", &client.details.initiate_login_uri),
        ("backchannel_logout_uri", &client.details.backchannel_logout_uri),
        ("frontchannel_logout_uri", &client.details.frontchannel_logout_uri),
        ("software_id", &client.details.software_id),
        ("software_version", &client.details.software_version),
    ] {
        put(name, json!(text));
    }
    put("contacts", json!(client.details.contacts));
    put("jwks_uri", json!(client.keys.url()));
    put("jwks", json!(client.keys.inline()));
    put("default_acr_values", json!(client.details.default_acr_values));
    put("request_uris", json!(client.details.request_uris));
    put("require_auth_time", client.require_auth_time.into());
    put("default_max_age", json!(client.default_max_age.map(|age| age.as_secs())));
    signatures(client, &mut put);
    if client.details.backchannel_logout_uri.is_some() {
        let required = client.details.backchannel_logout_session_required;
        put("backchannel_logout_session_required", required.into());
    }
    if client.details.frontchannel_logout_uri.is_some() {
        let required = client.details.frontchannel_logout_session_required;
        put("frontchannel_logout_session_required", required.into());
    }
    members
}

fn flows(client: &Client, put: &mut impl FnMut(&str, Value)) {
    let uris =
        |uris: &[RedirectUri]| json!(uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>());
    let grants: Vec<_> = client.grant_types.iter().map(|it| it.as_str()).collect();
    let responses: Vec<_> = client.response_types.iter().map(|it| it.as_str()).collect();
    let scopes: Vec<_> = client.scopes.iter().map(String::as_str).collect();
    put("redirect_uris", uris(&client.redirect_uris));
    put("post_logout_redirect_uris", uris(&client.post_logout_redirect_uris));
    put("grant_types", json!(grants));
    put("response_types", json!(responses));
    put("scope", scopes.join(" ").into());
    put("token_endpoint_auth_method", client.authentication.method().as_str().into());
    put(
        "application_type",
        match client.application_type {
            ApplicationType::Web => "web".into(),
            ApplicationType::Native => "native".into(),
        },
    );
    put(
        "subject_type",
        match client.subject_type {
            SubjectType::Public => "public".into(),
            SubjectType::Pairwise => "pairwise".into(),
        },
    );
}

fn signatures(client: &Client, put: &mut impl FnMut(&str, Value)) {
    let id_token = client.id_token_signed_response_alg.map(|algorithm| match algorithm {
        IdTokenAlgorithm::Signed(algorithm) => algorithm.as_str(),
        IdTokenAlgorithm::None => "none",
    });
    put("id_token_signed_response_alg", json!(id_token));
    let userinfo = client.userinfo_signed_response_alg.map(SigningAlgorithm::as_str);
    put("userinfo_signed_response_alg", json!(userinfo));
    let request = client.request_object_signing_alg.map(JwsAlgorithm::as_str);
    put("request_object_signing_alg", json!(request));
    let assertion = client.details.token_endpoint_auth_signing_alg.map(JwsAlgorithm::as_str);
    put("token_endpoint_auth_signing_alg", json!(assertion));
}
