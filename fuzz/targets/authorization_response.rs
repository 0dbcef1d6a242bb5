//! Any query with a response that is a JWT: no panic, nothing leaves unsigned, and no token is in a query.
#![no_main]

use lanyard::{
    model::Timestamp,
    protocol::{
        authorize::{AuthorizeError, EncodedResponse, validate_authorization_request},
        params::RequestParams,
    },
};
use lanyard_fuzz::{CLIENT, OneClient, TENANT};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fuzz_target!(|query: &[u8]| {
    let params = RequestParams::parse(query);
    let (response, has_tokens) = match validate_authorization_request(&TENANT, &OneClient, &params) {
        Ok(asked) => {
            let has_tokens = asked.response_type.has_id_token() || asked.response_type.has_token();
            (asked.return_to.response(&[("code", "c")]), has_tokens)
        }
        Err(AuthorizeError::Redirect(to, error)) => (to.error(&error), false),
        Err(AuthorizeError::Page(_)) => return,
    };
    let Some(signing) = response.signing() else { return };
    let claims = response.claims(signing, NOW);
    assert_eq!(claims["iss"], TENANT.issuer.as_str());
    assert_eq!(claims["aud"], CLIENT.id.as_str());
    let exp = claims["exp"].as_i64().expect("a time");
    assert!((NOW.secs() + 1..=NOW.secs() + 600).contains(&exp));
    assert!(!claims.contains_key("sub") && !claims.contains_key("client_id"));
    let unsigned = response.clone().encode();
    match response.signed("a.jwt.b".to_owned()).encode() {
        EncodedResponse::Redirect(url) => {
            assert!(url.starts_with("https://rp.test/") && url.ends_with("response=a.jwt.b"), "{url}");
            assert!(!has_tokens || url.contains("#response="), "{url}");
            let EncodedResponse::Redirect(unsigned) = unsigned else { panic!("a redirect") };
            assert!(!unsigned.contains("code=") && !unsigned.contains("error="), "{unsigned}");
        }
        EncodedResponse::Post(fields) => {
            assert_eq!(fields, [("response".to_owned(), "a.jwt.b".to_owned())]);
            assert_eq!(unsigned, EncodedResponse::Post(Vec::new()));
        }
    }
});
