//! Authorization details in words (RFC 9396), on the consent page and the account page: each member of each detail as
//! plain text.

use serde_json::Value;

use crate::{model::ResourceServer, protocol::authorization_details::AuthorizationDetail};

/// An authorization detail as pages show it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DetailView {
    /// The name of its type.
    pub(super) title: String,
    /// The values of its members.
    pub(super) lines: Vec<DetailLine>,
}

/// A value of a detail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DetailLine {
    /// The path to the value, such as `amount.currency` or `tags[1]`.
    pub(super) path: String,
    /// The value as text.
    pub(super) value: String,
}

/// Puts the details of a resource server in words. Their length and depth are bounded by the request.
pub(super) fn detail_views(
    server: &ResourceServer,
    details: &[AuthorizationDetail],
) -> Vec<DetailView> {
    details.iter().map(|detail| detail_view(Some(server), detail)).collect()
}

/// Puts a detail in words. `server`: its resource server, if it is still served.
pub(super) fn detail_view(
    server: Option<&ResourceServer>,
    detail: &AuthorizationDetail,
) -> DetailView {
    let name = detail.details_type();
    let declared = server.and_then(|server| server.details_type(name));
    let title = declared.map_or(name, |it| &it.display_name);
    let mut lines = Vec::new();
    for (name, member) in detail.own_members() {
        add_lines(name, member, &mut lines);
    }
    DetailView { title: title.to_owned(), lines }
}

/// Adds the lines of a member: one for each value in it, with the path to the value. Entries of lists count from 1.
fn add_lines(path: &str, value: &Value, lines: &mut Vec<DetailLine>) {
    let line = |value: String| DetailLine { path: path.to_owned(), value };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                add_lines(&format!("{path}.{name}"), member, lines);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                add_lines(&format!("{path}[{}]", index + 1), item, lines);
            }
        }
        Value::String(text) => lines.push(line(text.clone())),
        other => lines.push(line(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{AuthorizationDetailsType, DetailsSchema, ObjectKey},
        protocol::authorization_details::parse_authorization_details,
    };

    #[test]
    fn each_value_of_a_detail_has_a_line() {
        let declared = AuthorizationDetailsType {
            name: "payment".into(),
            display_name: "Pay once".into(),
            schema: DetailsSchema::parse(&serde_json::Map::new()).expect("a schema"),
        };
        let server = ResourceServer {
            details_types: vec![declared],
            ..ResourceServer::new(ObjectKey::new("team", "bank"), "urn:bank")
        };
        let text = r#"[
            {"type":"payment","locations":["urn:bank"],"to":"Ada","amount":{"value":1.5,"currency":"EUR"},
             "tags":["a",{"b":null}],"empty":{}},
            {"type":"gone"}
        ]"#;
        let details = parse_authorization_details(text).expect("well-formed");
        let views = detail_views(&server, &details);
        let [payment, gone] = &views[..] else { panic!("{views:?}") };
        assert_eq!(payment.title, "Pay once");
        let expected = [
            "amount.currency: EUR",
            "amount.value: 1.5",
            "empty: {}",
            "tags[1]: a",
            "tags[2].b: null",
            "to: Ada",
        ];
        let lines: Vec<String> =
            payment.lines.iter().map(|it| format!("{}: {}", it.path, it.value)).collect();
        assert_eq!(lines, expected);
        assert_eq!((gone.title.as_str(), gone.lines.len()), ("gone", 0));
    }
}
