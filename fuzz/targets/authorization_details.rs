//! Any schema and any authorization details: no panic. Details that a schema allows are granted as they are, and those
//! that it refuses are not.
#![no_main]

use lanyard::{
    model::{AuthorizationDetailsType, DetailsSchema, ObjectKey, ResourceServer, Timestamp},
    protocol::authorization_details::{
        DetailsByResource, encode_details, granted_details, parse_authorization_details,
    },
};
use lanyard_fuzz::grant;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const NAME: &str = "https://a.test";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Two lines: a schema and the parameter.
    let (schema, parameter) = text.split_once('\n').unwrap_or(("{}", text));
    let Ok(details) = parse_authorization_details(parameter) else { return };
    let Ok(Value::Object(schema)) = serde_json::from_str(schema) else { return };
    let Ok(schema) = DetailsSchema::parse(&schema) else { return };
    let declared = |name: &str| AuthorizationDetailsType {
        name: name.into(),
        display_name: name.to_owned(),
        schema: schema.clone(),
    };
    let server = ResourceServer {
        details_types: details.iter().map(|it| declared(it.details_type())).collect(),
        ..ResourceServer::new(ObjectKey::new("team", "api"), NAME)
    };
    let stored = DetailsByResource::from([(NAME.to_owned(), details.clone())]);
    let mut grant = grant(NOW);
    grant.authorization_details = encode_details(&stored);
    let allowed: Vec<_> = details.into_iter().filter(|it| it.check(&server).is_ok()).collect();
    match granted_details(&grant, &server) {
        Ok(granted) => assert_eq!(granted, allowed),
        Err(_) => assert!(allowed.is_empty()),
    }
});
