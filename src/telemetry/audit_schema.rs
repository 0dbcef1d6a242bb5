//! The JSON Schema of audit lines, made from the types of the events.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::model::{AUDIT_SCHEMA, AUDIT_TARGET, AuditLine};

/// The JSON Schema (draft 2020-12) of a line of the log whose target is `audit`, in the format `json`.
pub fn audit_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.inline_subschemas = true;
    });
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<AuditLine<'static>>();
    let mut schema = Value::from(schema);
    drop_null(&mut schema);
    let members = schema.as_object_mut().expect("a struct has an object");
    members.insert("title".to_owned(), "Audit line of Lanyard".into());
    let about = "One security event. A reader has to accept events, members and words that it does not know: they \
                 are added without a new version of the schema.";
    members.insert("description".to_owned(), about.into());
    members.insert("unevaluatedProperties".to_owned(), false.into());
    members.remove("additionalProperties");
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        add_line(properties);
    }
    if let Some(Value::Array(required)) = members.get_mut("required") {
        required.extend(["timestamp", "level", "target", "message"].map(Value::from));
    }
    schema
}

/// Adds the members that every line of the log has.
fn add_line(properties: &mut Map<String, Value>) {
    if let Some(Value::Object(version)) = properties.get_mut("schema") {
        version.retain(|name, _| name == "description");
        version.insert("const".to_owned(), AUDIT_SCHEMA.into());
    }
    let text = |about: &str| json!({"type": "string", "description": about});
    properties.insert(
        "timestamp".to_owned(),
        json!({"type": "string", "format": "date-time", "description": "Time of the event (RFC 3339, UTC)."}),
    );
    properties.insert("level".to_owned(), json!({"const": "INFO"}));
    properties.insert("target".to_owned(), json!({"const": AUDIT_TARGET}));
    properties.insert("message".to_owned(), text("The event in words, which may change."));
}

/// Removes `null`: a member without a value is absent.
fn drop_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|it| it != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|it| it["type"] != "null");
                if let [Value::Object(only)] = &choices[..] {
                    let only = only.clone();
                    members.remove("anyOf");
                    for (name, value) in only {
                        members.entry(name).or_insert(value);
                    }
                }
            }
            members.values_mut().for_each(drop_null);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_null),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AUDIT_EVENTS;

    #[test]
    fn the_schema_has_every_event_with_its_members() {
        let schema = audit_schema();
        let events = schema["oneOf"].as_array().expect("events");
        let name = |event: &Value| event["properties"]["event"]["const"].clone();
        let names: Vec<Value> = events.iter().map(name).collect();
        let known: Vec<Value> = AUDIT_EVENTS.iter().map(|(name, _)| (*name).into()).collect();
        assert_eq!(names, known, "{schema:#}");
        assert_eq!(schema["properties"]["schema"]["const"], AUDIT_SCHEMA);
        let sign_in = &events[0];
        assert_eq!(sign_in["properties"]["client_id"]["maxLength"], 256, "{sign_in:#}");
        assert_eq!(sign_in["required"], json!(["event", "client", "client_id", "provider"]));
        assert!(!schema.to_string().contains("null"), "{schema:#}");
        assert!(!schema.to_string().contains("$ref"), "{schema:#}");
    }

    #[test]
    fn members_of_events_are_described() {
        for event in audit_schema()["oneOf"].as_array().expect("events") {
            assert!(event["description"].is_string(), "{event:#}");
            for (name, member) in event["properties"].as_object().expect("members") {
                assert!(
                    name == "event" || member["description"].is_string(),
                    "{name} in {event:#}"
                );
            }
        }
    }
}
