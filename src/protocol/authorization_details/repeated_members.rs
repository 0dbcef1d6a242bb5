//! JSON objects that contain a member twice. Parsers differ in which of the two they use, so the person could read
//! one value and the API the other.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{check_name, invalid_details};
use crate::protocol::error::OAuthError;

/// Longer names are not repeated in errors.
const MAX_ECHOED_LEN: usize = 32;

/// A JSON value that was read.
#[derive(Debug)]
pub(super) struct DetailsJson {
    pub(super) value: Value,
    /// The first member that an object in it contains twice. `value` has the last one.
    repeated: Option<String>,
}

impl DetailsJson {
    fn new(value: impl Into<Value>) -> Self {
        Self { value: value.into(), repeated: None }
    }

    /// Rule: no object contains a member twice, at any depth (RFC 8259 §4).
    pub(super) fn check_members(&self) -> Result<(), OAuthError> {
        self.repeated.as_deref().map_or(Ok(()), |name| Err(repeated_member(name)))
    }
}

/// Only a short and plain name is repeated, because attackers could put a message to users into it.
fn repeated_member(name: &str) -> OAuthError {
    if name.len() <= MAX_ECHOED_LEN && check_name(name).is_ok() {
        invalid_details(&format!(" must not have the member '{name}' twice in one object"))
    } else {
        invalid_details(" must not have a member twice in one object")
    }
}

/// The claim of a request object.
#[derive(Deserialize)]
struct DetailsClaim {
    authorization_details: Option<DetailsJson>,
}

/// Rule: a request object has the claim `authorization_details` once, and no object in it contains a member twice. The
/// parsed claims have only the last of both. `jws`: the request object, which was parsed before.
///
/// # Errors
///
/// `invalid_authorization_details`.
pub fn check_details_claim(jws: &str) -> Result<(), OAuthError> {
    let claims = jws.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    match serde_json::from_slice::<DetailsClaim>(&claims.unwrap_or_default()) {
        Ok(DetailsClaim { authorization_details: None }) => Ok(()),
        Ok(DetailsClaim { authorization_details: Some(claim) }) => claim.check_members(),
        Err(_) => Err(invalid_details(" must be in the request object once")),
    }
}

impl<'de> Deserialize<'de> for DetailsJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DetailsVisitor)
    }
}

struct DetailsVisitor;

impl<'de> Visitor<'de> for DetailsVisitor {
    type Value = DetailsJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<DetailsJson, E> {
        Ok(DetailsJson::new(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<DetailsJson, E> {
        Ok(DetailsJson::new(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<DetailsJson, E> {
        Ok(DetailsJson::new(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<DetailsJson, E> {
        Ok(DetailsJson::new(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<DetailsJson, E> {
        Ok(DetailsJson::new(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<DetailsJson, E> {
        Ok(DetailsJson::new(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<DetailsJson, A::Error> {
        let (mut items, mut repeated) = (Vec::new(), None);
        while let Some(item) = access.next_element::<DetailsJson>()? {
            repeated = repeated.or(item.repeated);
            items.push(item.value);
        }
        Ok(DetailsJson { value: Value::Array(items), repeated })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<DetailsJson, A::Error> {
        let (mut members, mut repeated) = (Map::new(), None);
        while let Some((name, member)) = access.next_entry::<String, DetailsJson>()? {
            repeated = repeated.or(member.repeated);
            if repeated.is_none() && members.contains_key(&name) {
                repeated = Some(name.clone());
            }
            members.insert(name, member.value);
        }
        Ok(DetailsJson { value: Value::Object(members), repeated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        authorization_details::parse_authorization_details, error::ErrorCode, jwt::UnverifiedJwt,
    };

    /// Pairs of details and of the words of their error.
    fn repetitions() -> Vec<(String, &'static str)> {
        let long = "n".repeat(MAX_ECHOED_LEN + 1);
        vec![
            (r#"[{"type":"pay","amount":1,"amount":9}]"#.to_owned(), "the member 'amount' twice"),
            (r#"[{"type":"pay","type":"pay"}]"#.to_owned(), "the member 'type' twice"),
            (r#"[{"type":"pay","to":[{"a":{"b":1,"b":1}}]}]"#.to_owned(), "the member 'b' twice"),
            (r#"[{"type":"a"},{"type":"b","c":1,"\u0063":2}]"#.to_owned(), "the member 'c' twice"),
            (r#"[{"type":"pay","call us":1,"call us":2}]"#.to_owned(), "a member twice"),
            (format!(r#"[{{"type":"pay","{long}":1,"{long}":2}}]"#), "a member twice"),
        ]
    }

    fn request_object(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jws = format!("{}.{}.c2ln", part(r#"{"alg":"ES256"}"#), part(claims));
        assert!(UnverifiedJwt::read(&jws).is_some(), "{claims}");
        jws
    }

    #[test]
    fn a_member_is_in_an_object_once() {
        for (details, words) in repetitions() {
            let error = parse_authorization_details(&details).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidAuthorizationDetails, "{details}");
            assert!(error.public.contains(words), "{details}: {}", error.public);
        }
        let others = r#"[{"type":"pay","a":{"a":1},"b":[{"a":1},{"a":1}]},{"type":"pay"}]"#;
        assert!(parse_authorization_details(others).is_ok(), "in different objects");
    }

    #[test]
    fn a_request_object_has_the_members_once_too() {
        for (details, words) in repetitions() {
            let jws = request_object(&format!(r#"{{"authorization_details":{details}}}"#));
            let error = check_details_claim(&jws).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidAuthorizationDetails, "{details}");
            assert!(error.public.contains(words), "{details}: {}", error.public);
        }
        let twice = r#"{"authorization_details":[],"authorization_details":[{"type":"pay"}]}"#;
        let error = check_details_claim(&request_object(twice)).expect_err("refused");
        assert!(error.public.contains("once"), "{}", error.public);
        for claims in [
            r#"{"authorization_details":[{"type":"pay"}],"state":"a"}"#,
            r#"{"authorization_details":"[{}]"}"#,
            r#"{"authorization_details":null}"#,
            "{}",
        ] {
            assert_eq!(check_details_claim(&request_object(claims)), Ok(()), "{claims}");
        }
    }

    #[test]
    fn values_are_those_of_a_plain_parser() {
        for text in [
            "null",
            "true",
            "-1",
            "18446744073709551615",
            "-0.5e3",
            r#""a\nb""#,
            r#"{"a":[1,{}],"b":[]}"#,
        ] {
            let read: DetailsJson = serde_json::from_str(text).expect("JSON");
            let plain: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!((read.value, read.repeated), (plain, None), "{text}");
        }
    }
}
