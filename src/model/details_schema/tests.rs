//! Tests of the part of JSON Schema for authorization details.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("an object: {value}") };
    members
}

fn schema(value: Value) -> DetailsSchema {
    DetailsSchema::parse(&members(value)).expect("a schema")
}

/// A payment: most keywords, three levels.
fn payment() -> DetailsSchema {
    schema(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Payment",
        "type": "object",
        "properties": {
            "type": { "const": "payment" },
            "amount": {
                "type": "object",
                "properties": {
                    "currency": { "enum": ["EUR", "CHF"] },
                    "value": { "type": "integer", "minimum": 1, "maximum": 500 },
                },
                "required": ["currency", "value"],
                "additionalProperties": false,
            },
            "creditor": { "type": "string", "minLength": 1, "maxLength": 5 },
            "tags": { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 2 },
            "note": { "type": ["string", "null"] },
        },
        "required": ["amount"],
        "additionalProperties": { "type": "boolean" },
    }))
}

#[test]
fn an_object_that_matches_passes() {
    let schema = payment();
    for value in [
        json!({ "type": "payment", "amount": { "currency": "EUR", "value": 1 } }),
        json!({ "amount": { "currency": "CHF", "value": 500.0 }, "creditor": "äöüéß" }),
        json!({ "amount": { "currency": "CHF", "value": 2 }, "tags": ["a", "b"], "note": null, "now": true }),
    ] {
        assert_eq!(schema.check(&members(value.clone())), Ok(()), "{value}");
    }
}

#[test]
fn each_keyword_refuses() {
    let schema = payment();
    for (change, expected) in [
        (json!({ "amount": null }), ".amount must be of the type object"),
        (json!({ "type": "other" }), ".type must be one of the values that its schema lists"),
        (json!({ "amount": { "currency": "EUR" } }), ".amount must have the member 'value'"),
        (
            json!({ "amount": { "currency": "EUR", "value": 1, "x": 1 } }),
            ".amount must not have members that the schema does not declare",
        ),
        (
            json!({ "amount": { "currency": "USD", "value": 1 } }),
            ".amount.currency must be one of the values that its schema lists",
        ),
        (
            json!({ "amount": { "currency": "EUR", "value": 0 } }),
            ".amount.value must be at least 1",
        ),
        (
            json!({ "amount": { "currency": "EUR", "value": 501 } }),
            ".amount.value must be at most 500",
        ),
        (
            json!({ "amount": { "currency": "EUR", "value": 1.5 } }),
            ".amount.value must be of the type integer",
        ),
        (json!({ "creditor": "" }), ".creditor must have at least 1 characters"),
        (json!({ "creditor": "abcdef" }), ".creditor must have at most 5 characters"),
        (json!({ "tags": [] }), ".tags must have at least 1 entries"),
        (json!({ "tags": ["a", "b", "c"] }), ".tags must have at most 2 entries"),
        (json!({ "tags": ["a", 1] }), ".tags[1] must be of the type string"),
        (json!({ "note": 1 }), ".note must be of the type string or null"),
        (json!({ "now": 1 }), ".(another name) must be of the type boolean"),
        (json!({ "call us: +1 555": 1 }), ".(another name) must be of the type boolean"),
    ] {
        let mut value = members(json!({ "amount": { "currency": "EUR", "value": 1 } }));
        value.extend(members(change.clone()));
        let mismatch = schema.check(&value).expect_err("refused");
        assert_eq!(mismatch.to_string(), expected, "{change}");
    }
    let mismatch = schema.check(&Map::new()).expect_err("refused");
    assert_eq!(mismatch.to_string(), " must have the member 'amount'");
}

#[test]
fn names_that_no_schema_declares_are_not_repeated() {
    let inner = json!({
        "properties": { "b": { "additionalProperties": { "type": "string" } } },
        "additionalProperties": false,
    });
    let schema = schema(json!({ "properties": { "type": {} }, "additionalProperties": inner }));
    for (value, expected) in [
        (json!({ "CallMe": { "b": { "Now": 1 } } }), ".(another name).b.(another name) must be of"),
        (json!({ "CallMe": { "Now": 1 } }), ".(another name) must not have members that"),
    ] {
        let mismatch = schema.check(&members(value.clone())).expect_err("refused").to_string();
        assert!(mismatch.starts_with(expected), "{value}: {mismatch}");
    }
}

#[test]
fn whole_numbers_are_compared_exactly() {
    let schema = schema(json!({ "properties": { "n": { "maximum": 9_007_199_254_740_992_u64 } } }));
    let check = |n: u64| schema.check(&members(json!({ "n": n }))).is_ok();
    assert!(check(9_007_199_254_740_992) && !check(9_007_199_254_740_993));
}

#[test]
fn a_schema_that_cannot_be_checked_is_refused() {
    let deep = (0..8).fold(json!({}), |inner, _| json!({ "items": inner }));
    let long = "x".repeat(MAX_SCHEMA_BYTES);
    let many: Vec<u32> = (0..65).collect();
    for (refused, path) in [
        (json!({ "properties": { "a": { "pattern": "(a+)+$" } } }), ".properties.a.pattern"),
        (json!({ "$ref": "https://schemas.test/payment" }), ".$ref"),
        (json!({ "allOf": [{}] }), ".allOf"),
        (json!({ "type": "array" }), ".type"),
        (json!({ "type": "text" }), ".type"),
        (json!({ "type": [] }), ".type"),
        (json!({ "properties": [] }), ".properties"),
        (json!({ "properties": { "a": true } }), ".properties.a"),
        (json!({ "required": "a" }), ".required"),
        (json!({ "required": [1] }), ".required"),
        (json!({ "enum": [] }), ".enum"),
        (json!({ "enum": many }), ".enum"),
        (json!({ "additionalProperties": 1 }), ".additionalProperties"),
        (json!({ "additionalProperties": false }), ".properties"),
        (json!({ "properties": { "a": { "maxLength": -1 } } }), ".properties.a.maxLength"),
        (json!({ "properties": { "a": { "minimum": "1" } } }), ".properties.a.minimum"),
        (deep, ".items.items.items.items.items.items.items.items"),
        (json!({ "description": long }), ""),
    ] {
        let error = DetailsSchema::parse(&members(refused)).expect_err("refused");
        assert_eq!(error.path, path, "{error}");
    }
}

#[test]
fn enum_and_const_are_both_required() {
    let both = json!({ "properties": { "a": { "const": 2, "enum": [1, 2] } } });
    let check = |value: Value| schema(both.clone()).check(&members(value)).is_ok();
    assert!(check(json!({ "a": 2 })) && !check(json!({ "a": 1 })));
}

/// Any JSON value, small.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("type|items|properties|enum|required|a", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_schema_is_parsed_or_refused(schema in values(), value in values()) {
        if let (Value::Object(schema), Value::Object(value)) = (schema, value)
            && let Ok(schema) = DetailsSchema::parse(&schema)
        {
            let _ = schema.check(&value);
        }
    }
}
