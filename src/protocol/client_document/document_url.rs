//! Client identifier URLs (draft-ietf-oauth-client-id-metadata-document §3).

use url::Url;

use crate::model::{ClientId, ObjectKey};

/// Longest URL: it is part of every code and grant of its client.
const MAX_LEN: usize = 256;
const SCHEME: &str = "https://";

/// The URL of a client metadata document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUrl {
    text: Box<str>,
    host: Box<str>,
    port: Option<u16>,
}

/// The reason why a client ID is not such a URL. The message says what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "A client_id that is a URL must have https, a host in lower case and a path, at most 256 characters, and no user name, query, fragment, default port or dot segment."
)]
pub struct DocumentUrlError;

impl DocumentUrl {
    /// Returns true for client IDs that can only be URLs of documents, right or wrong.
    pub fn is_like(client_id: &str) -> bool {
        client_id.starts_with(SCHEME)
    }

    /// Parses a client ID.
    ///
    /// Only a URL that is its own canonical form has one spelling, so no two texts are one document. Queries are
    /// refused: a host that repeats a parameter would publish documents of strangers.
    pub fn parse(client_id: &str) -> Result<Self, DocumentUrlError> {
        let plain = client_id.len() <= MAX_LEN
            && Self::is_like(client_id)
            && client_id.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\".contains(&byte));
        let url = Url::parse(client_id).ok().filter(|url| plain && url.as_str() == client_id);
        let url = url.filter(|url| url.path() != "/").ok_or(DocumentUrlError)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(DocumentUrlError)?;
        Ok(Self { host: host.into(), port: url.port(), text: client_id.into() })
    }

    /// The URL in its canonical form, which is the only one that is accepted.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The client ID, which is the URL.
    pub fn client_id(&self) -> ClientId {
        ClientId::new(&*self.text)
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host, and the port if it is not that of https.
    pub fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.to_string(), |port| format!("{}:{port}", self.host))
    }

    /// The key in the place of that of an object. It is displayed as the URL, and no object can have it: `https:`
    /// is not the name of a namespace.
    pub fn key(&self) -> ObjectKey {
        let (scheme, rest) = self.text.split_at(SCHEME.len() - 2);
        ObjectKey::new(scheme, &rest[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_spelling() {
        for good in [
            "https://app.test/client.json",
            "https://app.test:8443/a/b",
            "https://127.0.0.1:4430/client",
            "https://app.test/a%20b/",
        ] {
            assert_eq!(DocumentUrl::parse(good).map(|it| it.as_str().to_owned()), Ok(good.into()));
        }
        let long = format!("https://app.test/{}", "a".repeat(MAX_LEN));
        for bad in [
            "http://app.test/client.json",
            "HTTPS://app.test/client.json",
            "https://App.test/client.json",
            "https://app.test:443/client.json",
            "https://app.test",
            "https://app.test/",
            "https://app.test/a/../client.json",
            "https://app.test/a/./client.json",
            "https://app.test/%2e%2e/client.json",
            "https://app.test/client.json#",
            "https://app.test/client.json#a",
            "https://app.test/client.json?a=b",
            "https://app.test/client.json?",
            "https://me@app.test/client.json",
            "https://me:secret@app.test/client.json",
            "https://@app.test/client.json",
            "https:/app.test/client.json",
            "https:app.test/client.json",
            r"https:\\app.test\client.json",
            r"https://app.test\client.json",
            "https:///client.json",
            "https://app.test/client json",
            "https://b\u{fc}cher.test/client.json",
            "https://0x7f.1/client.json",
            "",
            &long,
        ] {
            assert_eq!(DocumentUrl::parse(bad), Err(DocumentUrlError), "{bad}");
        }
    }

    #[test]
    fn its_key_is_displayed_as_the_url_and_is_of_no_namespace() {
        let url = DocumentUrl::parse("https://app.test:8443/client.json").expect("one");
        assert_eq!(url.key().to_string(), url.as_str());
        assert_eq!(&*url.key().namespace, "https:");
        assert_eq!((url.host(), &*url.authority()), ("app.test", "app.test:8443"));
    }
}
