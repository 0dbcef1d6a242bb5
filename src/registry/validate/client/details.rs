//! Client metadata that follows from the table of `model::ClientDetails`.

use crate::{
    api::OidcClientSpec,
    model::{
        ClientDetail, ClientDetailKind, ClientDetailValue, ClientDetails, with_client_details,
    },
    protocol::registration::manifest_name,
    registry::validate::{ProblemList, link},
};

macro_rules! copy {
    ($($(#[$doc:meta])+ $name:ident: $kind:ident,)+) => {
        fn copy(spec: &OidcClientSpec) -> ClientDetails {
            ClientDetails { $($name: spec.$name.to_detail(),)+ ..ClientDetails::default() }
        }
    };
}

with_client_details!(copy);

/// Converts a field of a manifest to its checked form.
trait ToDetail<T> {
    fn to_detail(&self) -> T;
}

impl ToDetail<Self> for Option<String> {
    fn to_detail(&self) -> Self {
        self.clone()
    }
}

impl ToDetail<Self> for Vec<String> {
    fn to_detail(&self) -> Self {
        self.clone()
    }
}

impl ToDetail<bool> for Option<bool> {
    fn to_detail(&self) -> bool {
        self.unwrap_or_default()
    }
}

/// Validates the values of the table.
pub(super) fn check_client_details(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
) -> ClientDetails {
    let details = copy(spec);
    for row in ClientDetails::ALL {
        match (row.value)(&details) {
            ClientDetailValue::Text(Some(text)) => check_text(problems, row, &field(row), text),
            ClientDetailValue::Texts(texts) => {
                for (index, text) in texts.iter().enumerate() {
                    check_text(problems, row, &format!("{}[{index}]", field(row)), text);
                }
            }
            ClientDetailValue::Text(None) | ClientDetailValue::Flag(_) => {}
        }
    }
    details
}

fn field(row: &ClientDetail) -> String {
    format!("spec.{}", manifest_name(row.name))
}

fn check_text(problems: &mut ProblemList, row: &ClientDetail, field: &str, text: &str) {
    match row.kind {
        ClientDetailKind::Text | ClientDetailKind::Texts | ClientDetailKind::Flag => {}
        ClientDetailKind::HttpsUrl => link(problems, field, Some(text), &["https"]),
        ClientDetailKind::WebUrl | ClientDetailKind::WebUrls => {
            link(problems, field, Some(text), &["https", "http"]);
        }
        ClientDetailKind::WebUrlWithoutFragment => {
            link(problems, field, Some(text), &["https", "http"]);
            if text.contains('#') {
                problems.invalid(field, "must have no fragment (#)");
            }
        }
        ClientDetailKind::Words => {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                problems.invalid(field, "must be printable ASCII without spaces");
            }
        }
    }
}
