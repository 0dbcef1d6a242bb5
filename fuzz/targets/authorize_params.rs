//! Any query: no panic, no redirect to an address that is not registered.
#![no_main]

use lanyard::protocol::{
    authorize::{AuthorizeError, EncodedResponse, validate_authorization_request},
    params::RequestParams,
};
use lanyard_fuzz::{OneClient, TENANT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &[u8]| {
    let params = RequestParams::parse(query);
    let response = match validate_authorization_request(&TENANT, &OneClient, &params) {
        Ok(ask) => ask.return_to.response(&[("code", "c")]),
        Err(AuthorizeError::Redirect(to, error)) => to.error(&error),
        Err(AuthorizeError::Page(_)) => return,
    };
    if let EncodedResponse::Redirect(url) = response.encode() {
        assert!(url.starts_with("https://rp.test/cb"), "{url}");
    }
});
