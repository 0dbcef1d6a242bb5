//! Discovery metadata (OIDC Discovery §3, RFC 8414 §2). It must advertise only what is supported.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    authorize::response_mode_names, claims, dpop::PROOF_ALGORITHMS,
    fapi2_metadata::restrict_to_fapi2, scope::STANDARD_SCOPES,
};
use crate::model::{
    AuthMethod, BackchannelTokenDeliveryMode, Client, Endpoint, EndpointOffer, GrantType,
    JwsAlgorithm, RegistrationMode, ResourceServers, ResponseType, Tenant,
};

/// Returns the discovery document of a tenant with its resource servers. `grants`: those that a client of the
/// tenant has; some are advertised only if a client has them.
pub fn discovery_document(
    tenant: &Tenant,
    servers: &ResourceServers,
    grants: &BTreeSet<GrantType>,
) -> Value {
    let mut document = Map::new();
    document.insert("issuer".into(), json!(tenant.issuer.as_str()));
    for endpoint in Endpoint::ALL.iter().filter(|it| is_offered(**it, tenant, grants)) {
        if let Some(field) = endpoint.metadata_field() {
            document.insert(field.into(), endpoint.url(&tenant.issuer).into());
        }
    }
    for part in [
        authorization(tenant),
        tokens(grants, tenant.mutual_tls_url.is_some()),
        backchannel(is_offered(Endpoint::BackchannelAuthentication, tenant, grants)),
        claims_and_keys(tenant, servers),
        authorization_details(servers),
        sessions(),
    ] {
        if let Value::Object(part) = part {
            document.extend(part);
        }
    }
    if let Some(url) = &tenant.mutual_tls_url {
        document.insert("tls_client_certificate_bound_access_tokens".into(), true.into());
        document.insert("mtls_endpoint_aliases".into(), mutual_tls_aliases(url, &document));
    }
    if let Some(rules) = tenant.fapi2 {
        restrict_to_fapi2(&mut document, rules);
    }
    Value::Object(document)
}

/// Returns the discovery document of a tenant for applications inside the cluster: `internal_url`
/// replaces the issuer in the addresses that applications call, and in no other field.
pub fn internal_discovery(
    tenant: &Tenant,
    servers: &ResourceServers,
    grants: &BTreeSet<GrantType>,
    internal_url: &str,
) -> Value {
    let mut document = discovery_document(tenant, servers, grants);
    for endpoint in Endpoint::ALL.iter().filter(|endpoint| endpoint.is_internal()) {
        if let Some((field, path)) = endpoint.metadata_field().zip(endpoint.path())
            && let Some(url) = document.get_mut(field)
        {
            *url = format!("{internal_url}{path}").into();
        }
    }
    document
}

/// The addresses of the endpoints of a document at which clients present certificates (RFC 8705 §5).
fn mutual_tls_aliases(url: &str, document: &Map<String, Value>) -> Value {
    let all = Endpoint::ALL.iter().filter(|endpoint| endpoint.has_mutual_tls_alias());
    let fields = all.filter_map(|endpoint| endpoint.metadata_field().zip(endpoint.path()));
    let offered = fields.filter(|(field, _)| document.contains_key(*field));
    offered.map(|(field, path)| (field.to_owned(), format!("{url}{path}"))).collect()
}

/// The grant types that at least one of the clients has.
pub fn used_grant_types<'a>(clients: impl Iterator<Item = &'a Arc<Client>>) -> BTreeSet<GrantType> {
    clients.flat_map(|client| client.grant_types.iter().copied()).collect()
}

/// Returns true if requests to the endpoint can succeed at this tenant.
fn is_offered(endpoint: Endpoint, tenant: &Tenant, grants: &BTreeSet<GrantType>) -> bool {
    match endpoint.offer() {
        EndpointOffer::Always => true,
        EndpointOffer::WithRegistration => tenant.registration.mode != RegistrationMode::Disabled,
        EndpointOffer::WithGrantType(grant_type) => grants.contains(&grant_type),
    }
}

/// Parameters of the authorization endpoint.
fn authorization(tenant: &Tenant) -> Value {
    let objects = tenant.request_objects;
    // Pushed requests have no `request_uri` of the client (RFC 9126 §2.1).
    let by_reference = objects.by_reference && !tenant.require_pushed_requests;
    let languages: Vec<_> = tenant.languages.tags().collect();
    let mut part = json!({
        "response_types_supported": names(&ResponseType::ALL, |it| it.as_str()),
        "response_modes_supported": response_mode_names().collect::<Vec<_>>(),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "ui_locales_supported": names(&languages, |tag| tag.as_str()),
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": true,
        "request_parameter_supported": objects.by_value,
        "request_uri_parameter_supported": by_reference,
        "require_request_uri_registration": by_reference,
        "require_pushed_authorization_requests": tenant.require_pushed_requests,
    });
    if tenant.client_documents.is_enabled() {
        part["client_id_metadata_document_supported"] = true.into();
    }
    if !tenant.acr_levels.is_empty() {
        part["acr_values_supported"] = json!(names(&tenant.acr_levels, |level| &level.value));
    }
    if objects.by_value || by_reference {
        let algorithms = names(&JwsAlgorithm::ALL, |it| it.as_str());
        part["request_object_signing_alg_values_supported"] = json!(algorithms);
    }
    part
}

/// Grant types, and client authentication at the endpoints that require it.
fn tokens(grants: &BTreeSet<GrantType>, has_certificates: bool) -> Value {
    let is_offered = |it: &&GrantType| !it.is_offered_on_demand() || grants.contains(it);
    let grants: Vec<_> = GrantType::ALL.iter().filter(is_offered).map(|it| it.as_str()).collect();
    let methods = AuthMethod::ALL.iter().filter(|it| has_certificates || !it.has_certificate());
    let methods: Vec<_> = methods.map(|method| method.as_str()).collect();
    let confidential: Vec<_> = methods.iter().filter(|method| **method != "none").collect();
    let mut assertions = names(&JwsAlgorithm::ALL, |it| it.as_str());
    assertions.retain(|algorithm| *algorithm != "none");
    json!({
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertions,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertions,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "dpop_signing_alg_values_supported": names(&PROOF_ALGORITHMS, |it| it.as_str()),
    })
}

/// Requests over the backchannel (CIBA Core §4), if their endpoint is offered. They are not signed.
fn backchannel(has_endpoint: bool) -> Value {
    if !has_endpoint {
        return Value::Null;
    }
    json!({
        "backchannel_token_delivery_modes_supported":
            names(&BackchannelTokenDeliveryMode::ALL, |mode| mode.as_str()),
        "backchannel_user_code_parameter_supported": false,
    })
}

/// The supported scopes, claims and algorithms.
fn claims_and_keys(tenant: &Tenant, servers: &ResourceServers) -> Value {
    let mut scopes: Vec<&str> = STANDARD_SCOPES.to_vec();
    scopes.extend(tenant.scopes.keys().map(String::as_str));
    // Scopes of different resource servers may have the same name.
    let of_servers: BTreeSet<&str> =
        servers.all().iter().flat_map(|server| server.scopes.iter().map(String::as_str)).collect();
    scopes.extend(of_servers);
    let custom = tenant.scopes.values().flat_map(|scope| scope.claims.iter().map(String::as_str));
    let mut claims: Vec<&str> = TOKEN_CLAIMS.into_iter().chain(claims::standard_claims()).collect();
    claims.extend(custom);
    claims.extend((!tenant.acr_levels.is_empty()).then_some("acr"));
    claims.sort_unstable();
    claims.dedup();
    let algorithms = names(&tenant.algorithms, |it| it.as_str());
    json!({
        "scopes_supported": scopes,
        "claims_supported": claims,
        "claim_types_supported": ["normal"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "authorization_signing_alg_values_supported": algorithms,
        "introspection_signing_alg_values_supported": algorithms,
    })
}

/// The types of authorization details (RFC 9396 §10), where a resource server declares one.
fn authorization_details(servers: &ResourceServers) -> Value {
    let types = servers.all().iter().flat_map(|server| &server.details_types);
    let types: BTreeSet<&str> = types.map(|it| &*it.name).collect();
    if types.is_empty() {
        return Value::Null;
    }
    json!({ "authorization_details_types_supported": types })
}

/// The metadata of logout (OIDC Back-Channel Logout §2.1, OIDC Front-Channel Logout §3).
fn sessions() -> Value {
    json!({
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
    })
}

/// Claims of tokens themselves, the same for all tenants.
const TOKEN_CLAIMS: [&str; 11] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "sid", "at_hash", "c_hash"];

fn names<'a, T, N: ?Sized>(all: &'a [T], name: impl Fn(&'a T) -> &'a N) -> Vec<&'a N> {
    all.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AcrLevel, AuthorizationDetailsType, ClientDocumentMode, ClientDocumentPolicy, CustomScope,
        DetailsSchema, ObjectKey, RequestObjectPolicy, ResourceServer, SigningAlgorithm, fixtures,
    };

    fn words<'a>(document: &'a Value, field: &str) -> Vec<&'a str> {
        let list = document[field].as_array().expect("a list");
        list.iter().map(|word| word.as_str().expect("a word")).collect()
    }

    /// The document of a tenant without resource servers.
    fn discovery_document(tenant: &Tenant) -> Value {
        super::discovery_document(tenant, &ResourceServers::default(), &BTreeSet::new())
    }

    #[test]
    fn scopes_of_resource_servers_are_supported_scopes() {
        // RFC 8414 §2
        let server = |name: &str| {
            let key = ObjectKey::new("team", name);
            let scopes = ["read".to_owned(), format!("{name}.write")].into();
            Arc::new(ResourceServer { scopes, ..ResourceServer::new(key, "urn:api") })
        };
        let servers = ResourceServers::new(vec![server("a"), server("b")]);
        let document = super::discovery_document(&fixtures::tenant(), &servers, &BTreeSet::new());
        let scopes = words(&document, "scopes_supported");
        assert!(scopes.ends_with(&["a.write", "b.write", "read"]), "{scopes:?}");
    }

    #[test]
    fn types_of_authorization_details_are_listed_if_there_are_any() {
        // RFC 9396 §10
        let field = "authorization_details_types_supported";
        assert!(discovery_document(&fixtures::tenant()).get(field).is_none());
        let declared = |name: &str| AuthorizationDetailsType {
            name: name.into(),
            display_name: name.to_owned(),
            schema: DetailsSchema::parse(&Map::new()).expect("a schema"),
        };
        let server = ResourceServer {
            details_types: vec![declared("refund"), declared("account")],
            ..ResourceServer::new(ObjectKey::new("team", "a"), "urn:api")
        };
        let servers = ResourceServers::new(vec![Arc::new(server)]);
        let document = super::discovery_document(&fixtures::tenant(), &servers, &BTreeSet::new());
        assert_eq!(words(&document, field), ["account", "refund"]);
    }

    #[test]
    fn the_device_grant_is_advertised_where_a_client_has_it() {
        // RFC 8628 §4
        let document = |grants: &[GrantType]| {
            let grants = grants.iter().copied().collect();
            super::discovery_document(&fixtures::tenant(), &ResourceServers::default(), &grants)
        };
        let (with, without) = (document(&[GrantType::DeviceCode]), document(&[]));
        let url = "https://id.test/team/shop/oauth/device_authorization";
        assert_eq!(with["device_authorization_endpoint"], url);
        assert!(words(&with, "grant_types_supported").contains(&GrantType::DeviceCode.as_str()));
        assert!(without.get("device_authorization_endpoint").is_none());
        assert!(
            !words(&without, "grant_types_supported").contains(&GrantType::DeviceCode.as_str())
        );
    }

    #[test]
    fn every_offered_endpoint_with_clients_has_an_alias_for_certificates() {
        // RFC 8705 §5
        let url = Some("https://mtls.id.test/team/shop".into());
        let tenant = Tenant { mutual_tls_url: url, ..fixtures::tenant() };
        let aliases = |grants: &[GrantType]| {
            let grants = grants.iter().copied().collect();
            let none = ResourceServers::default();
            let document = super::discovery_document(&tenant, &none, &grants);
            let aliases = document["mtls_endpoint_aliases"].as_object().expect("an object");
            aliases.keys().cloned().collect::<BTreeSet<_>>()
        };
        let (some, all) = (aliases(&[]), aliases(&[GrantType::DeviceCode, GrantType::Ciba]));
        let more: Vec<_> = all.difference(&some).map(String::as_str).collect();
        assert_eq!(more, ["backchannel_authentication_endpoint", "device_authorization_endpoint"]);
    }

    #[test]
    fn certificates_are_advertised_where_a_listener_asks_for_them() {
        // RFC 8705 §2.1.1, §3.3, §5
        let url = Some("https://mtls.id.test/team/shop".into());
        let tenant = Tenant { mutual_tls_url: url, ..fixtures::tenant() };
        let (with, without) =
            (discovery_document(&tenant), discovery_document(&fixtures::tenant()));
        assert_eq!(
            with["mtls_endpoint_aliases"],
            json!({
                "token_endpoint": "https://mtls.id.test/team/shop/oauth/token",
                "pushed_authorization_request_endpoint": "https://mtls.id.test/team/shop/oauth/par",
                "userinfo_endpoint": "https://mtls.id.test/team/shop/oauth/userinfo",
                "introspection_endpoint": "https://mtls.id.test/team/shop/oauth/introspect",
                "revocation_endpoint": "https://mtls.id.test/team/shop/oauth/revoke",
            })
        );
        assert_eq!(with["tls_client_certificate_bound_access_tokens"], true);
        for field in ["mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"] {
            assert!(without.get(field).is_none(), "{field}");
        }
        for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
            for endpoint in ["token", "introspection", "revocation"] {
                let field = format!("{endpoint}_endpoint_auth_methods_supported");
                assert!(words(&with, &field).contains(&method), "{field}");
                assert!(!words(&without, &field).contains(&method), "{field}");
            }
        }
    }

    #[test]
    fn requests_over_the_backchannel_are_advertised_where_a_client_makes_them() {
        // CIBA Core §4
        let grants = BTreeSet::from([GrantType::Ciba]);
        let servers = ResourceServers::default();
        let with = super::discovery_document(&fixtures::tenant(), &servers, &grants);
        let url = "https://id.test/team/shop/oauth/backchannel_authentication";
        assert_eq!(with["backchannel_authentication_endpoint"], url);
        assert_eq!(words(&with, "backchannel_token_delivery_modes_supported"), ["poll", "ping"]);
        assert_eq!(with["backchannel_user_code_parameter_supported"], false);
        assert!(words(&with, "grant_types_supported").contains(&GrantType::Ciba.as_str()));
        let without = discovery_document(&fixtures::tenant());
        let of_backchannel = |field: &&String| {
            field.starts_with("backchannel_") && !field.starts_with("backchannel_logout_")
        };
        assert_eq!(without.as_object().expect("an object").keys().find(of_backchannel), None);
    }

    #[test]
    fn token_exchange_is_advertised_where_a_client_has_it() {
        // RFC 8414 §2
        let grants = BTreeSet::from([GrantType::TokenExchange]);
        let servers = ResourceServers::default();
        let with = super::discovery_document(&fixtures::tenant(), &servers, &grants);
        let name = GrantType::TokenExchange.as_str();
        assert!(words(&with, "grant_types_supported").contains(&name));
        let without = discovery_document(&fixtures::tenant());
        assert!(!words(&without, "grant_types_supported").contains(&name));
    }

    #[test]
    fn has_the_fields_the_specification_requires() {
        // OIDC Discovery §3
        let document = discovery_document(&fixtures::tenant());
        assert_eq!(document["issuer"], "https://id.test/team/shop");
        for (field, path) in [
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("userinfo_endpoint", "userinfo"),
            ("jwks_uri", "jwks"),
            ("end_session_endpoint", "logout"),
        ] {
            assert_eq!(document[field], format!("https://id.test/team/shop/oauth/{path}"));
        }
        assert_eq!(words(&document, "subject_types_supported"), ["public", "pairwise"]);
        assert!(words(&document, "id_token_signing_alg_values_supported").contains(&"RS256"));
        assert!(words(&document, "scopes_supported").contains(&"openid"));
    }

    #[test]
    fn only_what_applications_call_has_addresses_inside_the_cluster() {
        let tenant = fixtures::tenant();
        let (public, internal) = (
            discovery_document(&tenant),
            internal_discovery(
                &tenant,
                &ResourceServers::default(),
                &BTreeSet::new(),
                "http://lanyard.sso.svc/team/shop",
            ),
        );
        let public = public.as_object().expect("an object");
        let mut changed: Vec<_> =
            public.iter().filter(|(field, value)| internal[*field] != **value).collect();
        changed.sort_by_key(|(field, _)| *field);
        let changed: Vec<_> = changed.into_iter().map(|(field, _)| &**field).collect();
        let expected = [
            "introspection_endpoint",
            "jwks_uri",
            "pushed_authorization_request_endpoint",
            "revocation_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
        ];
        assert_eq!(changed, expected);
        assert_eq!(public.len(), internal.as_object().expect("an object").len());
        assert_eq!(internal["jwks_uri"], "http://lanyard.sso.svc/team/shop/oauth/jwks");
    }

    #[test]
    fn advertises_nothing_unsupported() {
        let document = discovery_document(&fixtures::tenant());
        for absent in [
            "registration_endpoint",
            "device_authorization_endpoint",
            "backchannel_authentication_endpoint",
        ] {
            assert!(document.get(absent).is_none(), "{absent}");
        }
        assert_eq!(words(&document, "code_challenge_methods_supported"), ["S256"]);
        let algorithms = words(&document, "token_endpoint_auth_signing_alg_values_supported");
        assert!(!algorithms.contains(&"none"), "OIDC Discovery §3");
        // The field defaults to true if absent.
        let mut tenant = fixtures::tenant();
        tenant.request_objects = RequestObjectPolicy { by_value: false, by_reference: false };
        let document = discovery_document(&tenant);
        assert_eq!(document["request_uri_parameter_supported"], false);
        assert!(document.get("request_object_signing_alg_values_supported").is_none());
    }

    #[test]
    fn advertises_the_methods_of_client_authentication() {
        // RFC 8414 §2. A public client may ask for tokens and revoke them, but introspects none.
        let document = discovery_document(&fixtures::tenant());
        let all = [
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none",
        ];
        for endpoint in ["token", "revocation"] {
            let field = format!("{endpoint}_endpoint_auth_methods_supported");
            assert_eq!(words(&document, &field), all);
        }
        let field = "introspection_endpoint_auth_methods_supported";
        assert_eq!(words(&document, field), all[..4]);
    }

    #[test]
    fn advertises_registration_if_the_tenant_allows_it() {
        // OIDC Discovery §3
        let mut tenant = fixtures::tenant();
        for mode in [RegistrationMode::Open, RegistrationMode::InitialAccessToken] {
            tenant.registration.mode = mode;
            let endpoint = &discovery_document(&tenant)["registration_endpoint"];
            assert_eq!(endpoint, "https://id.test/team/shop/oauth/register");
        }
    }

    #[test]
    fn advertises_metadata_documents_if_the_tenant_accepts_them() {
        // draft-ietf-oauth-client-id-metadata-document §6
        let mut tenant = fixtures::tenant();
        let field = "client_id_metadata_document_supported";
        assert!(discovery_document(&tenant).get(field).is_none());
        for mode in [ClientDocumentMode::AnyHost, ClientDocumentMode::AllowedHosts] {
            let policy = ClientDocumentPolicy { mode, ..ClientDocumentPolicy::default() };
            tenant.client_documents = Arc::new(policy);
            assert_eq!(discovery_document(&tenant)[field], true);
        }
    }

    #[test]
    fn advertises_levels_of_assurance_if_the_tenant_has_any() {
        // OIDC Discovery §3, claims_supported
        let mut tenant = fixtures::tenant();
        assert!(!words(&discovery_document(&tenant), "claims_supported").contains(&"acr"));
        tenant.acr_levels = vec![AcrLevel { value: "one".into(), amr: vec!["pwd".into()] }];
        let document = discovery_document(&tenant);
        assert!(words(&document, "claims_supported").contains(&"acr"));
        assert_eq!(words(&document, "acr_values_supported"), ["one"]);
    }

    #[test]
    fn advertises_custom_scopes_claims_and_algorithms() {
        let mut tenant = fixtures::tenant();
        let badges = CustomScope { description: String::new(), claims: vec!["badge".into()] };
        tenant.scopes.insert("badges".into(), badges);
        tenant.algorithms = vec![SigningAlgorithm::ES256, SigningAlgorithm::RS256];
        let document = discovery_document(&tenant);
        assert!(words(&document, "scopes_supported").contains(&"badges"));
        assert!(words(&document, "claims_supported").contains(&"badge"));
        let algorithms = words(&document, "id_token_signing_alg_values_supported");
        assert_eq!(algorithms, ["ES256", "RS256"]);
    }
}
