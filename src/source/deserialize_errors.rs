//! Describes deserialization errors in terms of YAML.
//!
//! Must not repeat a value: it may be a password in the wrong place.

/// A path that `serde_ignored` reports, in manifest notation.
pub(super) fn field_path(ignored: &str) -> String {
    let mut path = String::new();
    // The path contains a step `?` for each optional value.
    for step in ignored.split('.').filter(|step| *step != "?") {
        match step.parse::<usize>() {
            Ok(_) => path.extend(["[", step, "]"]),
            Err(_) if path.is_empty() => path.push_str(step),
            Err(_) => path.extend([".", step]),
        }
    }
    path
}

/// The field that caused an error and the fix, from the path and message of a deserializer.
pub(super) fn deserialize_remedy(path: &str, error: &str) -> (String, String) {
    let path = if path == "." { "" } else { path };
    if let Some(name) = error.strip_prefix("missing field `") {
        let name = name.split('`').next().unwrap_or_default();
        let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return (field, "is missing; add it".to_owned());
    }
    let said = error
        .strip_prefix("invalid type: ")
        .or_else(|| error.strip_prefix("invalid value: "))
        .and_then(|said| said.rsplit_once(", expected "));
    let message = match said {
        Some((found, expected)) => format!("must be {}; it is {}", wanted(expected), kind(found)),
        None if path == "data" || path.starts_with("data.") => {
            "must be base64; put plain text into stringData".to_owned()
        }
        None => format!("cannot be read: {error}"),
    };
    (path.to_owned(), message)
}

/// The expected type in terms of YAML.
fn wanted(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list, such as [a, b]",
        "a string" => "a string (put numbers, true and false in quotes)",
        "a boolean" => "true or false, without quotes",
        "i8" | "i16" | "i32" | "i64" => "a whole number, without quotes",
        "u8" | "u16" | "u32" | "u64" | "usize" => {
            "a whole number that is not negative, without quotes"
        }
        map if map == "a map" || map.starts_with("struct ") => "a map, such as {name: value}",
        other => other,
    }
}

/// The type of the value found, without the value.
fn kind(found: &str) -> &str {
    match found.split(' ').next().unwrap_or_default() {
        "string" => "a string",
        "integer" | "floating" => "a number",
        "boolean" => "true or false",
        "sequence" => "a list",
        "map" => "a map",
        "unit" | "null" | "Option" => "empty",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_described_in_terms_of_yaml_without_the_value() {
        let (field, message) = deserialize_remedy(
            "stringData.password",
            "invalid type: integer `4711`, expected a string",
        );
        assert_eq!(field, "stringData.password");
        assert_eq!(
            message,
            "must be a string (put numbers, true and false in quotes); it is a number"
        );
    }

    #[test]
    fn a_string_that_contains_the_word_expected_is_not_repeated() {
        let error = "invalid type: string \"x, expected y\", expected struct TenantRef";
        let (_, message) = deserialize_remedy("spec.tenantRef", error);
        assert_eq!(message, "must be a map, such as {name: value}; it is a string");
    }

    #[test]
    fn a_missing_field_is_reported() {
        let added = |path| deserialize_remedy(path, "missing field `name`").0;
        assert_eq!([added("."), added("spec.tenantRef")], ["name", "spec.tenantRef.name"]);
    }

    #[test]
    fn invalid_base64_suggests_string_data() {
        let (_, message) = deserialize_remedy("data.password", "Invalid symbol 32, offset 3.");
        assert_eq!(message, "must be base64; put plain text into stringData");
    }
}
