//! The client that an access token was issued to: its ID, and its object, because another object may get the ID.

use serde_json::Value;

use super::claims::{CLIENT_OBJECT_CLAIM, Claims, client_object};
use crate::model::{Client, ClientId};

/// The client that an access token was issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHolder {
    /// The claim `client_id` of the token.
    pub client: ClientId,
    /// The claim [`CLIENT_OBJECT_CLAIM`] of the token; `None` if it has none.
    object: Option<String>,
}

impl TokenHolder {
    /// The client that has this ID as the one of its object.
    pub const fn new(client: ClientId) -> Self {
        Self { client, object: None }
    }

    /// Reads the claims of a verified access token.
    pub fn of_claims(claims: &Claims) -> Option<Self> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let object = text(CLIENT_OBJECT_CLAIM).map(str::to_owned);
        Some(Self { client: ClientId::new(text("client_id")?), object })
    }

    /// Returns true if the token was issued to this client: to its ID and its object.
    pub fn is(&self, client: &Client) -> bool {
        self.client == client.id && self.object == client_object(client)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        model::{ObjectKey, fixtures},
        protocol::client_document::DocumentUrl,
    };

    fn holder(claims: &Value) -> Option<TokenHolder> {
        TokenHolder::of_claims(claims.as_object().expect("an object"))
    }

    #[test]
    fn a_token_belongs_to_the_object_that_had_the_client_id_at_issuance() {
        let own = fixtures::client();
        let other = Client { object: ObjectKey::new("team", "other"), ..fixtures::client() };
        let natural = holder(&json!({ "client_id": "team.wiki" })).expect("a client");
        assert!(natural.is(&own) && !natural.is(&other));
        let claims = json!({ "client_id": "team.wiki", "client_object": "team/other" });
        let chosen = holder(&claims).expect("a client");
        assert!(chosen.is(&other) && !chosen.is(&own));
        let stranger = holder(&json!({ "client_id": "team.app" })).expect("a client");
        assert!(!stranger.is(&own) && !stranger.is(&other));
        assert_eq!(holder(&json!({})), None);
    }

    #[test]
    fn only_an_id_that_does_not_name_the_object_needs_the_claim() {
        let with = |id: &str, object: ObjectKey| {
            client_object(&Client { id: ClientId::new(id), object, ..fixtures::client() })
        };
        assert_eq!(with("team.a.b", ObjectKey::new("team", "a.b")), None);
        let document = "https://app.test/client.json";
        let url = DocumentUrl::parse(document).expect("a URL");
        assert_eq!(with(document, url.key()), None);
        for (id, object) in [
            ("team.a", ObjectKey::new("team", "b")),
            ("teama", ObjectKey::new("team", "a")),
            ("portal", ObjectKey::new("team", "portal")),
        ] {
            assert_eq!(with(id, object.clone()), Some(object.to_string()), "{id}");
        }
    }
}
