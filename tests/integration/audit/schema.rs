//! Judges audit lines by the published JSON Schema, of which they use a part.

use lanyard::telemetry::audit_schema;
use serde_json::{Value, json};

/// Panics if a line of the log does not match the schema.
pub fn check_line(line: &Value) {
    let schema = audit_schema();
    let events = schema["oneOf"].as_array().expect("events");
    let event = events.iter().find(|it| it["properties"]["event"]["const"] == line["event"]);
    let event = event.unwrap_or_else(|| panic!("an unknown event: {line}"));
    for required in [&schema["required"], &event["required"]] {
        for name in required.as_array().expect("names") {
            let name = name.as_str().expect("a name");
            assert!(line.get(name).is_some(), "no {name} in {line}");
        }
    }
    for (name, value) in line.as_object().expect("an object") {
        let known = [&schema, event].map(|part| &part["properties"][name]);
        let member = known.iter().find(|member| member.is_object());
        let member = member.unwrap_or_else(|| panic!("the member {name} is unknown: {line}"));
        assert!(matches(member, value), "{name} is not {member}: {line}");
    }
}

/// Panics if the members that an event decides do not match the schema.
pub fn check_members(line: &Value) {
    let mut whole = line.clone();
    for (name, value) in
        [("level", "INFO"), ("target", "audit"), ("timestamp", ""), ("message", "")]
    {
        whole[name] = value.into();
    }
    check_line(&whole);
}

fn matches(schema: &Value, value: &Value) -> bool {
    if let Some(only) = schema.get("const") {
        return only == value;
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().any(|choice| matches(choice, value));
    }
    match schema["type"].as_str() {
        Some("string") => value.as_str().is_some_and(|text| {
            schema["maxLength"].as_u64().is_none_or(|most| text.chars().count() as u64 <= most)
        }),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value
            .as_array()
            .is_some_and(|items| items.iter().all(|it| matches(&schema["items"], it))),
        _ => false,
    }
}

#[test]
fn a_line_that_the_schema_does_not_know_is_found() {
    let line = json!({
        "schema": 1, "event": "logout", "kind": "replaced", "subject": "ada", "outcome": "success",
    });
    check_members(&line);
    for (name, value) in [
        ("kind", json!("unheard of")),
        ("subject", json!("a".repeat(257))),
        ("schema", json!(2)),
        ("password", json!("x")),
        ("outcome", json!(1)),
    ] {
        let mut wrong = line.clone();
        wrong[name] = value;
        assert!(std::panic::catch_unwind(|| check_members(&wrong)).is_err(), "{wrong}");
    }
}
