//! The logos of a page with many applications, whose CSP names the origins of all.

use std::collections::BTreeSet;

use url::Url;

use crate::{http::csp::csp_origin, model::Client};

/// Most bytes of origins in the CSP. Proxies limit the size of response headers.
const MAX_BYTES: usize = 1024;

/// The origins of the logos that a page displays. Applications beyond the limit have a monogram.
#[derive(Debug, Default)]
pub(super) struct LogoOrigins {
    origins: BTreeSet<String>,
    bytes: usize,
}

impl LogoOrigins {
    /// The logo of an application, if the page can display it.
    pub(super) fn logo_of<'c>(&mut self, client: &'c Client) -> Option<&'c str> {
        let uri = client.details.logo_uri.as_deref()?;
        let origin = csp_origin(&Url::parse(uri).ok()?)?;
        if !self.origins.contains(&origin) {
            let bytes = self.bytes + origin.len() + 1;
            if bytes > MAX_BYTES {
                return None;
            }
            self.bytes = bytes;
            self.origins.insert(origin);
        }
        Some(uri)
    }

    /// The origins of the logos, for the page's `Content-Security-Policy`.
    pub(super) fn into_origins(self) -> impl Iterator<Item = String> {
        self.origins.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ClientDetails, fixtures};

    fn client(logo: &str) -> Client {
        let details = ClientDetails { logo_uri: Some(logo.to_owned()), ..ClientDetails::default() };
        Client { details: Arc::new(details), ..fixtures::client() }
    }

    #[test]
    fn the_origins_are_bounded() {
        let mut logos = LogoOrigins::default();
        let shown = |logos: &mut LogoOrigins, uri: &str| logos.logo_of(&client(uri)).is_some();
        assert!(shown(&mut logos, "https://cdn.test/a.png"));
        assert!(shown(&mut logos, "https://cdn.test/b.png"));
        assert!(!shown(&mut logos, "https://a;script-src/logo.png"));
        let hosts = (0..200).filter(|n| shown(&mut logos, &format!("https://h{n}.test/x.png")));
        assert!((40..100).contains(&hosts.count()));
        assert!(shown(&mut logos, "https://cdn.test/c.png"), "its origin is there");
        let header: usize = logos.into_origins().map(|origin| origin.len() + 1).sum();
        assert!(header <= MAX_BYTES);
    }
}
