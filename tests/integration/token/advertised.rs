//! Every field of the metadata is exercised by a test, and every exercised field is advertised.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use jsonwebtoken::{EncodingKey, Header, encode};
use lanyard::{
    http::{ServerConfig, TlsConfig},
    model::Clock,
};
use serde_json::{Value, json};

use super::{
    assertions::TYPE,
    browser::form_encode,
    publisher::signed,
    world::{MANIFESTS, SECRET, World, read, text},
};

/// Each field of the metadata, and the file and name of a test that fails if the field is wrong.
const EXERCISED: [(&str, &str, &str); 57] = [
    ("issuer", "token/metadata", "is_served_at_each_well_known_path"),
    ("authorization_endpoint", "authorize/sign_in", "signs_a_user_in_and_returns_a_code"),
    ("response_types_supported", "authorize/form_post", "every_response_type_can_be_posted"),
    ("response_modes_supported", "token/jarm", "each_advertised_mode_is_the_mode_of_the_response"),
    (
        "authorization_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_signs_authorization_responses",
    ),
    ("code_challenge_methods_supported", "token/codes", "a_verifier_needs_a_challenge"),
    ("prompt_values_supported", "authorize/sign_in", "asks_again_with_prompt_login"),
    (
        "display_values_supported",
        "authorize/claims",
        "display_and_locale_hints_do_not_change_the_answer",
    ),
    (
        "ui_locales_supported",
        "authorize/claims",
        "display_and_locale_hints_do_not_change_the_answer",
    ),
    (
        "authorization_response_iss_parameter_supported",
        "authorize/requests",
        "other_errors_are_returned_to_the_client_with_the_issuer",
    ),
    (
        "client_id_metadata_document_supported",
        "client_documents/sign_in",
        "a_client_signs_a_person_in_without_registration",
    ),
    (
        "claims_parameter_supported",
        "authorize/claims",
        "requested_claims_are_returned_where_they_were_requested",
    ),
    ("acr_values_supported", "authorize/claims", "acr_is_the_level_that_the_sign_in_reached"),
    (
        "request_parameter_supported",
        "authorize/request_objects",
        "values_of_a_signed_object_override_the_query",
    ),
    (
        "request_uri_parameter_supported",
        "authorize/request_objects",
        "object_is_fetched_from_a_registered_request_uri",
    ),
    (
        "require_request_uri_registration",
        "authorize/requests",
        "other_errors_are_returned_to_the_client_with_the_issuer",
    ),
    (
        "request_object_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_signs_request_objects",
    ),
    ("require_signed_request_object", "fapi2/message_signing", "plain_requests_are_refused"),
    ("device_authorization_endpoint", "device/flow", "a_person_lets_a_device_in"),
    (
        "backchannel_authentication_endpoint",
        "ciba/flow",
        "a_person_allows_a_request_on_the_account_page",
    ),
    (
        "backchannel_token_delivery_modes_supported",
        "ciba/ping",
        "a_client_is_notified_of_each_answer_once",
    ),
    (
        "backchannel_user_code_parameter_supported",
        "ciba/rules",
        "parameters_without_a_meaning_are_ignored",
    ),
    (
        "mtls_endpoint_aliases",
        "mutual_tls/listener",
        "the_document_contains_the_addresses_that_work",
    ),
    (
        "tls_client_certificate_bound_access_tokens",
        "mutual_tls/bound_tokens",
        "a_bound_token_is_used_with_its_certificate_only",
    ),
    ("pushed_authorization_request_endpoint", "token/pushed", "a_pushed_request_signs_a_person_in"),
    ("require_pushed_authorization_requests", "token/pushed", "tenants_and_clients_may_require_it"),
    (
        "dpop_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_proves_a_key",
    ),
    ("registration_endpoint", "registration", "registered_client_signs_a_user_in"),
    ("token_endpoint", "token/codes", "a_code_gives_tokens_that_verify"),
    ("grant_types_supported", "token/advertised", "each_grant_type_is_exercised_by_a_test"),
    (
        "token_endpoint_auth_methods_supported",
        "token/advertised",
        "every_method_authenticates_at_every_endpoint",
    ),
    (
        "token_endpoint_auth_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_authenticates_a_client",
    ),
    (
        "introspection_signing_alg_values_supported",
        "fapi2/message_signing",
        "responses_of_introspection_are_signed",
    ),
    (
        "token_endpoint_auth_methods_supported",
        "mutual_tls/authentication",
        "each_method_with_a_certificate_authenticates_at_every_endpoint",
    ),
    (
        "introspection_endpoint_auth_methods_supported",
        "mutual_tls/authentication",
        "each_method_with_a_certificate_authenticates_at_every_endpoint",
    ),
    (
        "revocation_endpoint_auth_methods_supported",
        "mutual_tls/authentication",
        "each_method_with_a_certificate_authenticates_at_every_endpoint",
    ),
    ("introspection_endpoint", "token/introspection", "reports_a_clients_own_tokens"),
    (
        "introspection_endpoint_auth_methods_supported",
        "token/advertised",
        "every_method_authenticates_at_every_endpoint",
    ),
    (
        "introspection_endpoint_auth_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_authenticates_a_client",
    ),
    ("revocation_endpoint", "token/revocation", "either_token_revokes_the_grant"),
    (
        "revocation_endpoint_auth_methods_supported",
        "token/advertised",
        "every_method_authenticates_at_every_endpoint",
    ),
    (
        "revocation_endpoint_auth_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_authenticates_a_client",
    ),
    ("jwks_uri", "token/algorithms", "published_keys_have_unique_ids_and_no_private_part"),
    (
        "userinfo_endpoint",
        "token/userinfo",
        "returns_the_scope_claims_for_each_way_to_send_the_token",
    ),
    ("scopes_supported", "token/advertised", "every_claim_is_returned_for_its_scope"),
    ("claims_supported", "token/advertised", "every_claim_is_returned_for_its_scope"),
    (
        "authorization_details_types_supported",
        "token/authorization_details",
        "metadata_lists_the_types",
    ),
    ("claim_types_supported", "token/advertised", "every_claim_is_returned_for_its_scope"),
    ("subject_types_supported", "token/pairwise", "subject_is_stable_and_differs_between_sectors"),
    (
        "id_token_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_signs_id_tokens_and_userinfo",
    ),
    (
        "userinfo_signing_alg_values_supported",
        "token/algorithms",
        "every_advertised_algorithm_signs_id_tokens_and_userinfo",
    ),
    (
        "end_session_endpoint",
        "authorize/logout",
        "hint_of_another_session_needs_confirmation_and_does_not_redirect",
    ),
    ("check_session_iframe", "authorize/logout", "an_application_can_watch_the_session"),
    (
        "backchannel_logout_supported",
        "authorize/logout",
        "logout_token_is_signed_and_names_subject_and_session",
    ),
    (
        "backchannel_logout_session_supported",
        "authorize/logout",
        "logout_token_is_signed_and_names_subject_and_session",
    ),
    (
        "frontchannel_logout_supported",
        "authorize/logout",
        "front_channel_logout_page_frames_each_client_and_links_back",
    ),
    (
        "frontchannel_logout_session_supported",
        "authorize/logout",
        "front_channel_logout_page_frames_each_client_and_links_back",
    ),
];

/// Each grant type, and the file and name of a test that gets tokens with it.
const GRANT_TYPES: [(&str, &str, &str); 8] = [
    ("authorization_code", "token/codes", "a_code_gives_tokens_that_verify"),
    ("implicit", "authorize/requests", "gives_tokens_in_the_fragment_to_implicit_clients"),
    ("refresh_token", "token/refresh", "gives_new_tokens_of_the_same_sign_in"),
    ("client_credentials", "token/clients", "client_credentials_grant_returns_an_access_token"),
    ("urn:ietf:params:oauth:grant-type:device_code", "device/flow", "a_person_lets_a_device_in"),
    (
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "exchange/flow",
        "an_api_exchanges_a_received_token_for_a_token_of_another_api",
    ),
    (
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "token/federated",
        "an_assertion_as_a_grant_gives_a_token_for_its_own_client",
    ),
    (
        "urn:openid:params:grant-type:ciba",
        "ciba/flow",
        "a_person_allows_a_request_on_the_account_page",
    ),
];

/// A tenant with everything that is advertised on demand, and one whose profile requires signed requests.
const WHOLE: &str = r"
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: whole}
spec:
  acrLevels: [{value: basic, amr: [pwd]}]
  registration: {mode: Open}
  clientIdMetadataDocuments: {mode: AnyHost}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: signing}
spec:
  profile: Fapi2MessageSigning
  signing: {algorithms: [PS256, ES256]}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: whole-app}
spec:
  tenantRef: {name: whole}
  grantTypes:
    - urn:ietf:params:oauth:grant-type:device_code
    - urn:ietf:params:oauth:grant-type:token-exchange
    - urn:openid:params:grant-type:ciba
  scopes: [openid]
  secretRef: {name: app-secret}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: whole-job}
spec:
  tenantRef: {name: whole}
  grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer']
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
    - {issuer: https://token.actions.test, subject: job}
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: whole-api}
spec:
  tenantRef: {name: whole}
  identifier: https://orders.test
  authorizationDetailsTypes: [{type: order, schema: {}}]
";

/// The metadata of the tenants of [`WHOLE`], at a provider with an address for certificates.
async fn whole_metadata() -> [Value; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    super::app::write_pair(&certificate, &key);
    let tls = Arc::new(TlsConfig::load(&certificate, &key).expect("a pair"));
    let manifests = format!("{MANIFESTS}{WHOLE}");
    let config = ServerConfig::default();
    let app = super::app::TestApp::start_mutual_tls(&manifests, tls, config).await;
    let http = reqwest::Client::new();
    let document = async |tenant: &str| {
        let url = format!("{}/.well-known/openid-configuration", app.issuer(tenant));
        read(http.get(url)).await.2
    };
    [document("whole").await, document("signing").await]
}

/// Asserts that each name is advertised, and that its test exists.
fn assert_exercised(advertised: &BTreeSet<&str>, tests: &[(&str, &str, &str)]) {
    let exercised: BTreeSet<&str> = tests.iter().map(|(name, ..)| *name).collect();
    assert_eq!(*advertised, exercised);
    for (name, file, test) in tests {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/integration/{file}.rs"));
        let source = fs::read_to_string(&path).expect("the test's file");
        assert!(source.contains(&format!("async fn {test}(")), "{name}: no {test} in {file}");
    }
}

#[tokio::test]
async fn each_field_of_metadata_is_exercised_by_a_test() {
    let documents = whole_metadata().await;
    let fields = documents.iter().flat_map(|it| it.as_object().expect("an object").keys());
    assert_exercised(&fields.map(String::as_str).collect(), &EXERCISED);
}

#[tokio::test]
async fn each_grant_type_is_exercised_by_a_test() {
    let [document, _] = whole_metadata().await;
    let grant_types = document["grant_types_supported"].as_array().expect("a list").iter();
    assert_exercised(&grant_types.map(|it| it.as_str().expect("a name")).collect(), &GRANT_TYPES);
}

#[tokio::test]
async fn every_method_authenticates_at_every_endpoint() {
    let world = World::new().await;
    let metadata = world.application("web").await.metadata;
    for endpoint in ["token", "introspection", "revocation"] {
        let methods = &metadata[format!("{endpoint}_endpoint_auth_methods_supported")];
        for method in methods.as_array().expect("a list") {
            let method = method.as_str().expect("a name");
            let url = text(&metadata, &format!("{endpoint}_endpoint"));
            // The endpoint is an accepted audience, as is the issuer (RFC 7523 §3).
            let now = world.app.clock.now().secs();
            let claims = |client: &str| {
                json!({
                    "iss": client, "sub": client, "aud": url, "exp": now + 60,
                    "jti": format!("{endpoint} {method}"),
                })
            };
            let secret = EncodingKey::from_secret(SECRET.as_bytes());
            let asserted = |assertion: String| {
                vec![("client_assertion_type", TYPE.to_owned()), ("client_assertion", assertion)]
            };
            let mut basic = false;
            let mut form = match method {
                "client_secret_basic" => {
                    basic = true;
                    vec![]
                }
                "client_secret_post" => vec![
                    ("client_id", "default.poster".to_owned()),
                    ("client_secret", SECRET.to_owned()),
                ],
                "client_secret_jwt" => asserted(
                    encode(&Header::default(), &claims("default.signs-with-secret"), &secret)
                        .expect("signed"),
                ),
                "private_key_jwt" => asserted(signed(&claims("default.signs-with-key"))),
                "none" => vec![("client_id", "default.spa".to_owned())],
                other => panic!("{other} is advertised and not exercised"),
            };
            // A public client may not use client_credentials. The error shows that it was authenticated.
            let public = method == "none" && endpoint == "token";
            form.push(("token", "nonsense".to_owned()));
            form.push(("grant_type", "client_credentials".to_owned()));
            let mut request = world.http.post(url).form(&form);
            if basic {
                request = request.basic_auth(form_encode("default.web"), Some(form_encode(SECRET)));
            }
            let (status, _, answer) = read(request).await;
            let expected = if public { 400 } else { 200 };
            assert_eq!(status, expected, "{method} at {endpoint}: {answer}");
            if public {
                assert_eq!(answer["error"], "unauthorized_client");
            }
        }
    }
}

const PERSON: &str = r#"
  givenName: Alice
  familyName: Rivera
  middleName: Maria
  nickname: Al
  preferredUsername: alicia
  profile: https://people.test/alice
  picture: https://people.test/alice.png
  website: https://alice.test
  gender: female
  birthdate: "0000-03-22"
  zoneinfo: Europe/Lisbon
  locale: pt-PT
  updatedAt: 2026-01-31T12:00:00Z
  emailVerified: true
  phoneNumber: "+351210000000"
  phoneNumberVerified: true
  address: {streetAddress: "Rua 1", country: PT}
  disabled: false
"#;

#[tokio::test]
async fn every_claim_is_returned_for_its_scope() {
    // OIDC Core §5.1, §5.4
    let world = World::new().await;
    let scopes = "openid profile email address phone groups tenant badges";
    let listed = scopes.replace(' ', ", ");
    let manifests = MANIFESTS
        .replacen(
            "[openid, profile, email, groups, tenant, offline_access, badges]",
            &format!("[{listed}]"),
            1,
        )
        .replacen("\n  disabled: false\n", PERSON, 1);
    world.app.serve(&manifests);
    let alice = world.alice().await;
    let supported = |field: &str| -> BTreeSet<String> {
        let all = alice.web.metadata[field].as_array().expect("a list").iter();
        all.map(|it| it.as_str().expect("a name").to_owned()).collect()
    };
    let mut asked: BTreeSet<String> = scopes.split(' ').map(str::to_owned).collect();
    asked.insert("offline_access".to_owned());
    assert_eq!(asked, supported("scopes_supported"));
    let tokens = alice.tokens(&alice.web, scopes).await;
    let (status, person) = alice.web.userinfo(text(&tokens, "access_token")).await;
    assert_eq!(status, 200, "{person}");
    let returned: BTreeSet<String> =
        person.as_object().expect("an object").keys().cloned().collect();
    let of_tokens = ["iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];
    let mut expected = supported("claims_supported");
    expected.retain(|name| !of_tokens.contains(&name.as_str()) && !name.ends_with("_hash"));
    assert_eq!(returned, expected);
    assert_eq!(person["updated_at"], json!(1_769_860_800), "a number");
    assert_eq!(person["birthdate"], "0000-03-22");
    assert_eq!(person["address"], json!({ "street_address": "Rua 1", "country": "PT" }));
    assert_eq!(
        (&person["email_verified"], &person["phone_number_verified"]),
        (&json!(true), &json!(true))
    );
    assert!(person.as_object().expect("an object").values().all(|value| *value != Value::Null));
}
