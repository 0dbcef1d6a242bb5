//! The pages of audit lines, from the JSON Schema that their types give.

use lanyard::model::{AUDIT_EVENTS, AUDIT_SCHEMA, AuditOutcome};
use serde_json::{Map, Value};

use crate::markdown::{code, codes, prose, table};

/// The JSON Schema as a file.
pub fn schema_file(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// The page of all events.
pub fn page(schema: &Value) -> String {
    let events = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let sections: Vec<String> = events.iter().map(section).collect();
    format!(
        "# Audit events\n\n\
         A log line with the target `audit` reports one security event. [Audit](../audit.md) says how to collect them. \
         [audit-events.schema.json](audit-events.schema.json) is the JSON Schema of a line in the format `json`. This is version \
         {AUDIT_SCHEMA} of the schema: the version changes if a member changes its meaning or goes, not if events, members or \
         words are added.\n\n\
         Text is bounded: a longer one ends in `…`, and invisible characters are written as `\\u{{202e}}`. A member without \
         a value is absent. The metric `lanyard_audit_events_total` counts the events by tenant and outcome.\n\n\
         ## Members of every line\n\n{}\n## Events\n\n{}",
        members(schema),
        sections.join("\n")
    )
}

fn section(event: &Value) -> String {
    let name = event["properties"]["event"]["const"].as_str().unwrap_or_default();
    let outcomes =
        AUDIT_EVENTS.iter().find(|(known, _)| *known == name).map(|(_, outcomes)| outcomes);
    let outcomes = outcomes.into_iter().flat_map(|it| it.iter()).copied().map(AuditOutcome::as_str);
    let about = prose(event["description"].as_str().unwrap_or_default());
    format!("### {name}\n\n{about} Outcome: {}.\n\n{}", codes(outcomes), members(event))
}

/// The members of a schema, those that are always there first.
fn members(schema: &Value) -> String {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let is_required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name))
    };
    let mut rows: Vec<(bool, [String; 3])> = properties
        .iter()
        .filter(|(name, member)| *name != "event" || member.get("const").is_none())
        .map(|(name, member)| {
            let required = is_required(name);
            let presence = if required { "always" } else { "if there is one" };
            (!required, [code(name), presence.to_owned(), meaning(member)])
        })
        .collect();
    rows.sort_by_key(|(optional, _)| *optional);
    let rows: Vec<[String; 3]> = rows.into_iter().map(|(_, row)| row).collect();
    table(["Member", "Present", "Meaning"], &rows)
}

/// The meaning of a member, with its words.
fn meaning(member: &Value) -> String {
    let about = member["description"].as_str().map(prose);
    let constant = member.get("const").map(|only| format!("Always {}.", code(&text(only))));
    let of = |member: &Value| member["oneOf"].as_array().cloned().unwrap_or_default();
    let words = of(member).into_iter().chain(of(&member["items"]));
    let words = words.map(|word| {
        let about = prose(word["description"].as_str().unwrap_or_default());
        format!("{}: {about}", code(&text(&word["const"])))
    });
    about.into_iter().chain(constant).chain(words).collect::<Vec<_>>().join("<br>")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
