//! The content of a client's Secret: entries, and texts that contain credentials and addresses.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use crate::{
    api::{CachedSecret, ClientSecretKeys},
    model::{ClientId, Endpoint, Issuer, wire_enum},
};

wire_enum!(
    /// A value that a text in `spec.secret.template` contains as `$(name)`.
    SecretVariable {
        /// The client ID (`client_id`).
        ClientId = "clientId",
        /// The client secret (`client_secret`), without line breaks at its end.
        ClientSecret = "clientSecret",
        /// The issuer identifier, without a trailing slash.
        Issuer = "issuer",
        /// The issuer's address inside the cluster, or the issuer if it has none.
        InternalUrl = "internalUrl",
        /// The URL of the authorization endpoint, below the issuer.
        AuthorizationEndpoint = "authorizationEndpoint",
        /// The URL of the token endpoint, below the issuer.
        TokenEndpoint = "tokenEndpoint",
        /// The URL of the userinfo endpoint, below the issuer.
        UserinfoEndpoint = "userinfoEndpoint",
        /// The URL of the JWK Set, below the issuer (`jwks_uri`).
        JwksUri = "jwksUri",
        /// The URL of the end-session endpoint, below the issuer.
        EndSessionEndpoint = "endSessionEndpoint",
    }
);

/// A parsed text with variables such as `$(clientId)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryText(Box<[TextPart]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum TextPart {
    Literal(Box<str>),
    Variable(SecretVariable),
}

/// Why a text with variables is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryTextError {
    /// No variable has this name.
    #[error("has the unknown variable $({0}); use one of {known}, or write $$( for the text $(", known = known_variables())]
    Unknown(String),
    /// A `$(` without its `)`.
    #[error("has $( without a closing parenthesis; add it, or write $$( for the text $(")]
    Unclosed,
}

fn known_variables() -> String {
    let names: Vec<String> =
        SecretVariable::ALL.iter().map(|variable| format!("$({variable})")).collect();
    names.join(", ")
}

impl EntryText {
    /// Parses a text. `$(name)` is a variable, `$$(` is the text `$(`, and every other `$` is
    /// itself.
    pub fn parse(text: &str) -> Result<Self, EntryTextError> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find("$(") {
            let (before, after) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("$(");
                rest = after;
                continue;
            }
            literal.push_str(before);
            let (name, after) = after.split_once(')').ok_or(EntryTextError::Unclosed)?;
            let variable = SecretVariable::ALL.into_iter().find(|known| known.as_str() == name);
            let variable = variable.ok_or_else(|| EntryTextError::Unknown(name.to_owned()))?;
            if !literal.is_empty() {
                parts.push(TextPart::Literal(std::mem::take(&mut literal).into()));
            }
            parts.push(TextPart::Variable(variable));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(TextPart::Literal(literal.into()));
        }
        Ok(Self(parts.into()))
    }

    /// Returns true if the text contains a variable.
    pub fn contains(&self, variable: SecretVariable) -> bool {
        self.0.contains(&TextPart::Variable(variable))
    }

    /// The text with all values; `None` if it needs the secret of a client that has none.
    fn render(&self, values: ClientSecretValues<'_>, secret: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut rendered = Vec::new();
        for part in &self.0 {
            match part {
                TextPart::Literal(text) => rendered.extend_from_slice(text.as_bytes()),
                TextPart::Variable(variable) => {
                    rendered.extend_from_slice(&values.bytes(*variable, secret)?);
                }
            }
        }
        Some(rendered)
    }
}

/// The values that a client's Secret contains, apart from the client secret.
#[derive(Clone, Copy, Debug)]
pub struct ClientSecretValues<'a> {
    /// The client ID (`client_id`).
    pub client_id: &'a ClientId,
    /// The issuer identifier, without a trailing slash.
    pub issuer: &'a Issuer,
    /// The issuer's address inside the cluster, if the installation has one.
    pub internal_url: Option<&'a str>,
}

impl<'a> ClientSecretValues<'a> {
    /// The value of a variable; `None` for an absent client secret.
    fn bytes(self, variable: SecretVariable, secret: Option<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
        let endpoint = |endpoint: Endpoint| Cow::Owned(endpoint.url(self.issuer).into_bytes());
        Some(match variable {
            SecretVariable::ClientId => self.client_id.as_str().as_bytes().into(),
            SecretVariable::ClientSecret => without_line_breaks(secret?).into(),
            SecretVariable::Issuer => self.issuer.as_str().as_bytes().into(),
            SecretVariable::InternalUrl => {
                self.internal_url.unwrap_or_else(|| self.issuer.as_str()).as_bytes().into()
            }
            SecretVariable::AuthorizationEndpoint => endpoint(Endpoint::Authorize),
            SecretVariable::TokenEndpoint => endpoint(Endpoint::Token),
            SecretVariable::UserinfoEndpoint => endpoint(Endpoint::Userinfo),
            SecretVariable::JwksUri => endpoint(Endpoint::Jwks),
            SecretVariable::EndSessionEndpoint => endpoint(Endpoint::Logout),
        })
    }
}

/// A client secret without the line break that editors and `echo` append.
fn without_line_breaks(mut secret: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] = secret {
        secret = rest;
    }
    secret
}

/// Entries, labels and annotations of a client's Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTemplate {
    /// The name of the entry with the client ID.
    pub client_id_key: String,
    /// Entry of the client secret; `None` for public clients.
    pub client_secret_key: Option<String>,
    /// Whether the client signs with the client secret, which then must be longer.
    pub signs: bool,
    /// The name of the entry with the issuer.
    pub issuer_key: String,
    /// Entry of the issuer's address inside the cluster, if the manifest asks for one.
    pub internal_url_key: Option<String>,
    /// Labels in addition to Lanyard's.
    pub labels: BTreeMap<String, String>,
    /// Annotations in addition to Lanyard's.
    pub annotations: BTreeMap<String, String>,
    /// Entries in addition to the named ones, without variables.
    pub extra: BTreeMap<String, String>,
    /// Entries in addition to the named ones, with variables.
    pub texts: BTreeMap<String, EntryText>,
}

impl Default for SecretTemplate {
    /// The template of a confidential client without `spec.secret`.
    fn default() -> Self {
        Self {
            client_id_key: ClientSecretKeys::CLIENT_ID.to_owned(),
            client_secret_key: Some(ClientSecretKeys::CLIENT_SECRET.to_owned()),
            signs: false,
            issuer_key: ClientSecretKeys::ISSUER.to_owned(),
            internal_url_key: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            extra: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }
}

impl SecretTemplate {
    /// Returns the shared instance if this is the default template.
    pub fn shared(self) -> Arc<Self> {
        static DEFAULT: LazyLock<Arc<SecretTemplate>> = LazyLock::new(Arc::default);
        if self == **DEFAULT { Arc::clone(&DEFAULT) } else { Arc::new(self) }
    }

    /// The names of all entries except that of the client secret.
    pub fn entry_names(&self) -> impl Iterator<Item = &str> {
        let named =
            [Some(&self.client_id_key), Some(&self.issuer_key), self.internal_url_key.as_ref()];
        let named = named.into_iter().flatten();
        named.chain(self.extra.keys()).chain(self.texts.keys()).map(String::as_str)
    }

    /// All entries except that of the client secret. Without a client secret, entries that contain
    /// it are left out.
    pub fn entries<'a>(
        &'a self,
        values: ClientSecretValues<'a>,
        secret: Option<&'a [u8]>,
    ) -> impl Iterator<Item = (&'a str, Cow<'a, [u8]>)> {
        let named = [
            (Some(&self.client_id_key), SecretVariable::ClientId),
            (Some(&self.issuer_key), SecretVariable::Issuer),
            (self.internal_url_key.as_ref(), SecretVariable::InternalUrl),
        ];
        let named = named.into_iter().filter_map(move |(entry, variable)| {
            Some((&**entry?, values.bytes(variable, secret)?))
        });
        let texts = self.texts.iter().filter_map(move |(entry, text)| {
            Some((&**entry, Cow::Owned(text.render(values, secret)?)))
        });
        let extra = self.extra.iter().map(|(entry, text)| (&**entry, text.as_bytes().into()));
        named.chain(extra).chain(texts)
    }

    /// Returns true if all entries except the client secret are up to date.
    pub(super) fn matches(&self, secret: &CachedSecret, values: ClientSecretValues<'_>) -> bool {
        let held = self.client_secret_key.as_deref().and_then(|entry| secret.entry(entry));
        let held = held.filter(|value| !value.is_empty());
        self.entries(values, held).all(|(entry, value)| secret.entry(entry) == Some(&*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, internal: Option<&str>) -> Option<String> {
        let issuer = Issuer::parse("https://id.test/team/main").expect("canonical");
        let client_id = ClientId::new("team.wiki");
        let values =
            ClientSecretValues { client_id: &client_id, issuer: &issuer, internal_url: internal };
        let bytes = EntryText::parse(text).expect(text).render(values, Some(b"s3cret\n"))?;
        Some(String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn variables_are_replaced_and_everything_else_is_kept() {
        for (text, expected) in [
            ("", ""),
            ("plain $5 ${FLUX} $ $$", "plain $5 ${FLUX} $ $$"),
            ("$(clientId):$(clientSecret)", "team.wiki:s3cret"),
            ("[$(issuer)]", "[https://id.test/team/main]"),
            ("$(internalUrl)/oauth/token", "http://lanyard.svc/team/main/oauth/token"),
            ("$(authorizationEndpoint)", "https://id.test/team/main/oauth/authorize"),
            ("$(tokenEndpoint)", "https://id.test/team/main/oauth/token"),
            ("$(userinfoEndpoint)", "https://id.test/team/main/oauth/userinfo"),
            ("$(jwksUri)", "https://id.test/team/main/oauth/jwks"),
            ("$(endSessionEndpoint)", "https://id.test/team/main/oauth/logout"),
            ("$$(clientId) $$$(issuer) $$(", "$(clientId) $$(issuer) $("),
            ("${$(clientId)}", "${team.wiki}"),
        ] {
            let internal = Some("http://lanyard.svc/team/main");
            assert_eq!(rendered(text, internal).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn internal_url_defaults_to_the_issuer() {
        assert_eq!(
            rendered("$(internalUrl)/x", None).as_deref(),
            Some("https://id.test/team/main/x")
        );
    }

    #[test]
    fn unknown_and_unclosed_variables_are_errors() {
        for (text, name) in [("$(ClientId)", "ClientId"), ("a$()", ""), ("$( issuer )", " issuer ")]
        {
            assert_eq!(EntryText::parse(text), Err(EntryTextError::Unknown(name.to_owned())));
        }
        assert_eq!(EntryText::parse("a $(issuer"), Err(EntryTextError::Unclosed));
        let message = EntryTextError::Unknown("host".to_owned()).to_string();
        assert!(message.contains("$(host)") && message.contains("$(clientId)"), "{message}");
    }
}
