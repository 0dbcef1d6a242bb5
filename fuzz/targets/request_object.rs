//! Any request object: no panic, and merging preserves client and response type.
#![no_main]

use std::sync::LazyLock;

use lanyard::{
    model::{Client, JwsAlgorithm, Tenant, Timestamp},
    protocol::{
        authorize::request_object::{check_content_hash, merge_request_object},
        jwt::UnverifiedJwt,
        params::RequestParams,
    },
};
use lanyard_fuzz::{client, tenant};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

static CLIENT: LazyLock<Client> = LazyLock::new(client);
static TENANT: LazyLock<Tenant> = LazyLock::new(tenant);

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = UnverifiedJwt::read(&text);
    let _ = check_content_hash(&CLIENT, &text, bytes);
    let Ok(serde_json::Value::Object(claims)) = serde_json::from_slice(bytes) else { return };
    let jwt = UnverifiedJwt { algorithm: JwsAlgorithm::RS256, kid: None, typ: None, claims };
    let params = RequestParams::parse(b"client_id=team.wiki&response_type=code&scope=openid&request=x");
    if let Ok(merged) = merge_request_object(&params, &jwt, &CLIENT, &TENANT.issuer, NOW) {
        assert_eq!(merged.get("client_id"), Some("team.wiki"));
        assert_eq!(merged.get("response_type"), Some("code"));
        assert_eq!(merged.get("request"), None);
    }
});
