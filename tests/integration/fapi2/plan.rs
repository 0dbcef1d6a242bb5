//! The plans `fapi2-security-profile-final-test-plan` and `fapi2-message-signing-final-test-plan`: a test for each
//! module, and the variants that it runs in.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    modules,
    suite::{RunningModule, Suite},
    variants::Variant,
};

/// Defines a test for each module, which runs in each variant that a condition selects.
macro_rules! modules {
    ($($module:ident: $applies:path),+ $(,)?) => {
        /// The modules that run in several variants.
        const IN_VARIANTS: &[&str] = &[$(stringify!($module)),+];

        $(
            #[tokio::test]
            async fn $module() {
                let suite = Suite::start().await;
                for variant in Variant::all().into_iter().filter(|variant| $applies(*variant)) {
                    let running = RunningModule { module: stringify!($module), variant };
                    modules::$module(&suite.client(variant, 1).await).await;
                    drop(running);
                }
            }
        )+
    };
}

modules! {
    happy_flow: Variant::any,
    user_rejects_authentication: Variant::any,
    ensure_request_object_with_multiple_aud_succeeds: Variant::is_signed,
    ensure_authorization_request_without_state_success: Variant::any,
    ensure_authorization_request_without_nonce_success: Variant::is_openid,
    ensure_authorization_request_with_64_char_nonce_success: Variant::is_openid,
    ensure_other_scope_order_succeeds: Variant::is_openid,
    test_claims_parameter_identity_claims: Variant::is_openid,
    access_token_type_header_case_sensitivity: Variant::any,
    ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted: Variant::is_signed,
    check_dpop_proof_nbf_exp: Variant::is_dpop,
    ensure_dpopproof_with_iat_10seconds_before_succeeds: Variant::is_dpop,
    ensure_dpopproof_with_iat_10seconds_after_succeeds: Variant::is_dpop,
    ensure_mismatched_dpop_jkt_fails: Variant::is_dpop,
    ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt: Variant::is_dpop,
    ensure_token_endpoint_fails_with_mismatched_dpop_jkt: Variant::is_dpop,
    ensure_dpopproof_at_par_endpoint_binding_success: Variant::is_dpop,
    ensure_dpop_auth_code_binding_success: Variant::is_dpop,
    ensure_different_nonce_inside_and_outside_request_object: Variant::is_openid,
    ensure_different_state_inside_and_outside_request_object: Variant::any,
    ensure_authorization_request_with_long_nonce: Variant::is_openid,
    ensure_authorization_request_with_long_state: Variant::any,
    ensure_request_object_without_exp_fails: Variant::is_signed,
    ensure_request_object_without_nbf_fails: Variant::is_signed,
    state_only_outside_request_object_not_used: Variant::any,
    ensure_request_object_without_redirect_uri_fails: Variant::any,
    ensure_expired_request_object_fails: Variant::is_signed,
    ensure_request_object_with_bad_aud_fails: Variant::is_signed,
    ensure_request_object_with_exp_over_60_fails: Variant::is_signed,
    ensure_request_object_with_nbf_over_60_fails: Variant::is_signed,
    ensure_signed_request_object_with_rs256_fails: Variant::is_signed,
    ensure_request_object_signature_algorithm_is_not_none: Variant::is_signed,
    ensure_request_object_with_invalid_signature_fails: Variant::is_signed,
    ensure_matching_key_in_authorization_request: Variant::is_signed,
    ensure_unsigned_request_at_par_endpoint_fails: Variant::is_signed,
    ensure_registered_redirect_uri: Variant::any,
    ensure_unsigned_authorization_request_without_using_par_fails: Variant::any,
    ensure_redirect_uri_in_authorization_request: Variant::any,
    ensure_response_type_code_idtoken_fails: Variant::any,
    ensure_response_type_token_fails: Variant::any,
    ensure_client_id_in_token_endpoint: Variant::any,
    ensure_holder_of_key_required: Variant::any,
    ensure_authorization_code_is_bound_to_client: Variant::any,
    attempt_reuse_authorization_code_after_one_second: Variant::any,
    ensure_token_endpoint_fails_with_expired_auth_code: Variant::any,
    ensure_signed_client_assertion_with_rs256_fails: Variant::has_assertions,
    ensure_client_assertion_in_token_endpoint: Variant::has_assertions,
    ensure_client_assertion_with_exp_is_5_minutes_in_past_fails: Variant::has_assertions,
    ensure_client_assertion_with_wrong_aud_fails: Variant::has_assertions,
    ensure_client_assertion_with_no_sub_fails: Variant::has_assertions,
    refresh_token: Variant::any,
    par_ensure_reused_request_uri_prior_to_auth_completion_succeeds: Variant::any,
    par_attempt_reuse_request_uri: Variant::any,
    par_attempt_to_use_expired_request_uri: Variant::any,
    par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted: Variant::has_assertions,
    par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails: Variant::has_assertions,
    par_attempt_to_use_request_uri_for_different_client: Variant::any,
    par_authorization_request_containing_request_uri_form_param: Variant::any,
    par_attempt_invalid_http_method: Variant::any,
    par_ensure_pkce_required: Variant::any,
    ensure_pkce_code_verifier_required: Variant::any,
    incorrect_pkce_code_verifier_rejected: Variant::any,
    par_plain_pkce_rejected: Variant::any,
    par_authorization_request_containing_request_uri: Variant::is_signed,
    par_without_duplicate_parameters: Variant::any,
    par_test_array_as_audience_fails: Variant::has_assertions,
    par_test_par_endpoint_url_as_audience_fails: Variant::has_assertions,
    par_test_token_endpoint_url_as_audience_fails: Variant::has_assertions,
}

/// The names of the modules of both plans, without the prefix `fapi2-security-profile-final-`.
const PLAN_MODULES: &str = include_str!("plan_modules.txt");

/// The test of a module that does not run in several variants.
enum OtherTest {
    /// A test of another file, which shows the rule in one variant.
    InOneVariant { file: &'static str, test: &'static str },
    /// The test of another module, which shows the same rule.
    SameAs(&'static str),
    /// The module runs in no variant that Lanyard supports: the parameter and its value.
    NotApplicable(&'static str),
}

use OtherTest::{InOneVariant, NotApplicable, SameAs};

const CONNECT_ID: OtherTest = NotApplicable("fapi_profile=connectid_au");
const CONSUMER_DATA_RIGHT: OtherTest = NotApplicable("fapi_profile=consumerdataright_au");
const BRAZIL: OtherTest = NotApplicable("fapi_profile=openbanking_brazil");
const KSA: OtherTest = NotApplicable("fapi_profile=ksa");
const GRANT_MANAGEMENT: OtherTest = NotApplicable("grant_management=enabled");

/// The modules that do not run in several variants.
const OTHERS: [(&str, OtherTest); 24] = [
    (
        "discovery-end-point-verification",
        InOneVariant {
            file: "metadata",
            test: "fapi2_security_profile_final_discovery_end_point_verification",
        },
    ),
    (
        "ensure-invalid-client-assertions-fail",
        InOneVariant {
            file: "security_tokens",
            test: "fapi2_security_profile_final_ensure_invalid_client_assertions_fail",
        },
    ),
    (
        "dpop-negative-tests",
        InOneVariant {
            file: "userinfo_proofs",
            test: "fapi2_security_profile_final_dpop_negative_tests",
        },
    ),
    // The suite lets a provider accept such a URI, and Lanyard refuses it.
    ("plain-fapi-tolerate-unregistered-redirect-uri", SameAs("ensure-registered-redirect-uri")),
    ("australia-connectid-ensure-request-object-with-exp-over-10-fails", CONNECT_ID),
    ("australia-connectid-ensure-request-object-with-nbf-over-15-fails", CONNECT_ID),
    ("australia-connectid-ensure-invalid-purpose-fails", CONNECT_ID),
    ("australia-connectid-test-claims-parameter-idtoken-identity-claims", CONNECT_ID),
    ("ksa-ensure-request-object-with-exp-over-10-fails", KSA),
    ("ksa-ensure-request-object-with-nbf-over-10-fails", KSA),
    ("cdr-sharing-duration-zero", CONSUMER_DATA_RIGHT),
    ("cdr-negative-sharing-duration", CONSUMER_DATA_RIGHT),
    ("cdr-refresh-token-introspection-expiry", CONSUMER_DATA_RIGHT),
    ("cdr-arrangement-amendment", CONSUMER_DATA_RIGHT),
    ("cdr-unrecognised-arrangement-id", CONSUMER_DATA_RIGHT),
    ("brazil-ensure-bad-payment-signature-fails", BRAZIL),
    ("grant-management-happy-flow", GRANT_MANAGEMENT),
    ("grant-management-merge", GRANT_MANAGEMENT),
    ("grant-management-replace", GRANT_MANAGEMENT),
    ("grant-management-ensure-invalid-grant-id-fails", GRANT_MANAGEMENT),
    ("grant-management-ensure-query-nonexistent-grant-fails", GRANT_MANAGEMENT),
    ("grant-management-ensure-query-after-revoke-fails", GRANT_MANAGEMENT),
    ("grant-management-ensure-wrong-client-cannot-query-grant", GRANT_MANAGEMENT),
    ("grant-management-ensure-wrong-client-cannot-revoke-grant", GRANT_MANAGEMENT),
];

/// The name of the test of a module that runs in several variants.
fn test_name(module: &str) -> String {
    module.to_lowercase().replace('-', "_")
}

#[test]
fn each_module_of_the_plans_has_one_test_or_a_reason() {
    let listed: Vec<&str> = PLAN_MODULES.lines().collect();
    let in_variants: BTreeSet<&str> = IN_VARIANTS.iter().copied().collect();
    for module in &listed {
        let others = OTHERS.iter().filter(|(name, _)| name == module).count();
        let tests = others + usize::from(in_variants.contains(&*test_name(module)));
        assert_eq!(tests, 1, "{module} needs a row in `modules!` or in `OTHERS`");
    }
    let names: BTreeSet<String> = listed.iter().map(|module| test_name(module)).collect();
    assert_eq!(names.len(), listed.len(), "a module is listed twice");
    let rows = IN_VARIANTS.iter().map(|name| (*name).to_owned());
    for row in rows.chain(OTHERS.iter().map(|(name, _)| test_name(name))) {
        assert!(names.contains(&row), "{row} is not a module of the plans");
    }
}

#[test]
fn the_tests_of_other_modules_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/fapi2");
    for (module, other) in &OTHERS {
        match other {
            InOneVariant { file, test } => {
                let path = folder.join(format!("{file}.rs"));
                let source = fs::read_to_string(&path).expect("the test's file");
                assert!(source.contains(&format!("async fn {test}(")), "{module}: no {test}");
            }
            SameAs(name) => assert!(IN_VARIANTS.contains(&&*test_name(name)), "{module}: {name}"),
            NotApplicable(value) => assert!(value.contains('='), "{module}: {value}"),
        }
    }
}

#[test]
fn each_condition_selects_variants() {
    // The test of a module that no variant is selected for would pass.
    for condition in [
        Variant::any,
        Variant::is_signed,
        Variant::is_openid,
        Variant::is_dpop,
        Variant::has_assertions,
    ] {
        let selected = Variant::all().into_iter().filter(|variant| condition(*variant)).count();
        assert!(selected >= 16, "{selected}");
    }
}
