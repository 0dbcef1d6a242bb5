//! JSON responses that are rendered when the snapshot is built. A request only joins pieces of them.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::model::{Issuer, intern, pooled, sha256_base64url};

/// A JSON response rendered when the snapshot was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrerenderedJson {
    body: Body,
    /// A strong entity tag, including its quotes.
    pub etag: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    Whole(Bytes),
    /// The pieces of a document between occurrences of the issuer. Most tenants share the same
    /// pieces, which saves about three kilobytes for each.
    Cut(Arc<[Box<str>]>, Issuer),
}

pooled!([Box<str>]);

impl PrerenderedJson {
    /// Renders a JSON document, and hashes it for the `ETag`.
    pub fn json(document: &Value) -> Self {
        let text = document.to_string();
        let etag = etag(&text);
        // A boxed slice drops the spare capacity of the incrementally written string.
        Self { body: Body::Whole(text.into_boxed_str().into_boxed_bytes().into()), etag }
    }

    /// Renders a JSON document that differs between tenants only in the issuer.
    pub fn about(issuer: &Issuer, document: &Value) -> Self {
        let text = document.to_string();
        let pieces: Vec<Box<str>> = text.split(issuer.as_str()).map(Into::into).collect();
        Self { body: Body::Cut(intern(pieces), issuer.clone()), etag: etag(&text) }
    }

    /// The response body, as JSON.
    pub fn bytes(&self) -> Bytes {
        match &self.body {
            Body::Whole(bytes) => bytes.clone(),
            Body::Cut(pieces, issuer) => pieces.join(issuer.as_str()).into(),
        }
    }
}

fn etag(text: &str) -> Box<str> {
    format!("\"{}\"", sha256_base64url(text)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn etag_is_the_hash_of_the_body() {
        let (one, two) = (PrerenderedJson::json(&1.into()), PrerenderedJson::json(&2.into()));
        assert_eq!(one, PrerenderedJson::json(&1.into()));
        assert_ne!(one.etag, two.etag);
        assert!(one.etag.starts_with('"') && one.etag.ends_with('"'));
    }

    #[test]
    fn documents_that_differ_only_in_the_issuer_share_their_pieces() {
        let [one, two] = ["https://id.test/one", "https://id.test/two"].map(|text| {
            let issuer = Issuer::parse(text).expect("canonical");
            let document = json!({ "issuer": text, "jwks_uri": format!("{text}/jwks"), "of": [] });
            let prepared = PrerenderedJson::about(&issuer, &document);
            assert_eq!(prepared.bytes(), document.to_string());
            assert_eq!(prepared.etag, PrerenderedJson::json(&document).etag);
            prepared
        });
        let (Body::Cut(one, _), Body::Cut(two, _)) = (one.body, two.body) else {
            panic!("documents with an issuer")
        };
        assert!(Arc::ptr_eq(&one, &two));
    }
}
