//! Tests of authorization details (RFC 9396).

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{AuthorizationDetailsType, DetailsSchema, ObjectKey};

/// A resource server with the type `payment`, whose details have a whole `amount`.
fn server() -> ResourceServer {
    let Value::Object(schema) = json!({
        "properties": { "amount": { "type": "integer", "maximum": 100 } },
        "required": ["amount"],
    }) else {
        unreachable!("an object")
    };
    let declared = AuthorizationDetailsType {
        name: "payment".into(),
        display_name: "A payment".into(),
        schema: DetailsSchema::parse(&schema).expect("a schema"),
    };
    ResourceServer {
        alternates: ["urn:bank".into()].into(),
        details_types: vec![declared],
        ..ResourceServer::new(ObjectKey::new("team", "bank"), "https://bank.test")
    }
}

fn parsed(value: &Value) -> Result<Vec<AuthorizationDetail>, OAuthError> {
    parse_authorization_details(&value.to_string())
}

fn problem(value: &Value) -> String {
    let detail = parsed(value).expect("well-formed").remove(0);
    detail.check(&server()).expect_err("refused")
}

#[test]
fn details_are_objects_with_a_type() {
    // RFC 9396 §2
    for text in ["", "x", "{}", "[]", "null", "[1]", "[{}]", r#"[{"type":1}]"#, r#"[{"type":"a"}"#]
    {
        let error = parse_authorization_details(text).expect_err(text);
        assert_eq!(error.code, ErrorCode::InvalidAuthorizationDetails, "{text}");
        assert!(error.public.ends_with('.'), "{}", error.public);
    }
    let details = parsed(&json!([{ "type": "payment", "amount": 1 }])).expect("valid");
    assert_eq!(details[0].details_type(), "payment");
    assert_eq!(json!(details), json!([{ "type": "payment", "amount": 1 }]));
}

#[test]
fn length_number_and_depth_are_bounded() {
    let one = json!({ "type": "payment" });
    assert!(parsed(&json!(vec![one.clone(); MAX_DETAILS])).is_ok());
    assert!(parsed(&json!(vec![one; MAX_DETAILS + 1])).is_err());
    let with = |member: Value| json!([{ "type": "payment", "member": member }]);
    assert!(parsed(&with("x".repeat(MAX_DETAILS_BYTES).into())).is_err());
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert!(parsed(&with(nested(MAX_DEPTH - 2))).is_ok());
    assert!(parsed(&with(nested(MAX_DEPTH))).is_err());
    let many = |count: usize| with(json!(vec![1; count]));
    assert!(parsed(&many(MAX_VALUES - 1)).is_ok());
    assert!(parsed(&many(MAX_VALUES)).is_err(), "each value has a line on the page");
    assert!(parsed(&json!([{ "type": "payment", "n".repeat(65): 1 }])).is_err());
    let long = format!(r#"[{{"type":"payment","member":[{}1]}}]"#, "1e15,".repeat(60));
    assert!(parse_authorization_details(&long).is_ok());
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    assert!(parse_authorization_details(&deep).is_err(), "deeper than a parser can recurse");
}

#[test]
fn people_can_read_all_members() {
    for hidden in [
        "a\u{202e}b",
        "a\u{200b}",
        "a\nb",
        "a\u{7}",
        "Ada  amount",
        "Ada\u{2003}amount",
        "a\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}",
        // Thai, Cyrillic, Hebrew and Arabic marks are drawn over other characters too.
        "ก\u{e4e}\u{e4e}\u{e4e}\u{e4e}\u{e4e}\u{e4e}\u{e4e}",
        "a\u{483}\u{483}\u{483}\u{483}\u{488}\u{488}\u{489}",
        "א\u{591}\u{592}\u{593}\u{594}\u{595}\u{596}\u{597}",
        "ا\u{64b}\u{64b}\u{64b}\u{64b}\u{64b}\u{64b}\u{64b}",
    ] {
        for value in [
            json!([{ "type": "payment", "to": hidden }]),
            json!([{ "type": "payment", hidden: 1 }]),
            json!([{ "type": "payment", "to": [{ "name": hidden }] }]),
        ] {
            assert!(parsed(&value).is_err(), "{value}");
        }
    }
}

#[test]
fn words_of_languages_with_marks_are_allowed() {
    for word in ["Zoë", "Nguyễn", "กำลังใจที่นี่", "हिन्दी", "מִרְיָם", "مُحَمَّد", "မျှော်လင့်"]
    {
        assert!(parsed(&json!([{ "type": "payment", "to": word }])).is_ok(), "{word}");
    }
}

#[test]
fn a_name_does_not_look_like_a_value() {
    for name in ["amount: 5", "a.b", "", "a b", "ä"] {
        assert!(parsed(&json!([{ "type": "payment", name: 1 }])).is_err(), "{name}");
    }
    for name in ["amount", "@type", "urn:a", "a_b-c"] {
        assert!(parsed(&json!([{ "type": "payment", name: 1 }])).is_ok(), "{name}");
    }
}

#[test]
fn numbers_stay_as_they_are_shown() {
    let with = |number: &str| {
        parse_authorization_details(&format!(r#"[{{"type":"payment","amount":{number}}}]"#))
    };
    for number in ["1", "1.5", "0.1", "-7", "18446744073709551615", "99.99"] {
        assert!(with(number).is_ok(), "{number}");
    }
    assert!(with("1234567.8912345678").is_err(), "its text would change in the grant");
}

#[test]
fn a_detail_matches_its_schema_and_names_its_resource_server() {
    // RFC 9396 §2.2, §5
    for locations in [json!(["https://bank.test"]), json!(["urn:bank", "https://bank.test"])] {
        let value = json!([{ "type": "payment", "amount": 1, "locations": locations }]);
        assert_eq!(parsed(&value).expect("well-formed")[0].check(&server()), Ok(()));
    }
    for locations in [json!([]), json!("https://bank.test"), json!(["https://bank.test", "urn:x"])]
    {
        let value = json!([{ "type": "payment", "amount": 1, "locations": locations }]);
        assert!(problem(&value).starts_with(".locations must be a list of"), "{value}");
    }
    let unmatched = problem(&json!([{ "type": "payment", "amount": 101 }]));
    assert_eq!(unmatched, ".amount must be at most 100");
    let other = problem(&json!([{ "type": "other" }]));
    assert_eq!(other, " has a type that its resource server does not declare");
}

#[test]
fn the_members_that_people_read_are_those_of_the_type() {
    let value = json!([{ "type": "payment", "locations": ["urn:bank"], "amount": 1, "to": "Ada" }]);
    let details = parsed(&value).expect("well-formed");
    let names: Vec<_> = details[0].own_members().map(|(name, _)| name).collect();
    assert_eq!(names, ["amount", "to"]);
}

proptest! {
    #[test]
    fn any_parameter_is_parsed_or_refused(text in "\\PC{0,200}") {
        let _ = parse_authorization_details(&text);
    }

    #[test]
    fn stored_details_are_read_as_they_were(amounts in prop::collection::vec(any::<i64>(), 1..8)) {
        let values: Vec<_> =
            amounts.iter().map(|it| json!({ "type": "payment", "amount": it })).collect();
        let details = parsed(&json!(values)).expect("well-formed");
        let by_resource = DetailsByResource::from([("urn:bank".to_owned(), details.clone())]);
        let stored = encode_details(&by_resource);
        let read: Vec<_> = decode_details(&stored["urn:bank"]).collect();
        prop_assert_eq!(read, details);
    }
}
