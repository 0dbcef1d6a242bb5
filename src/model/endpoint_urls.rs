//! URLs of endpoints at an issuer.

use super::{Endpoint, Issuer};

impl Endpoint {
    /// The absolute URL at an issuer. A parameter of the path stays as `{name}`.
    pub fn url(self, issuer: &Issuer) -> String {
        issuer.join(self.path().unwrap_or_default())
    }

    /// The path at the issuer's host, as in links and redirects of its pages.
    pub fn absolute_path(self, issuer: &Issuer) -> String {
        format!("{}{}", issuer.path(), self.path().unwrap_or_default())
    }

    /// The URL at an issuer, with a value for the parameter of the path.
    pub fn url_with(self, issuer: &Issuer, value: &str) -> String {
        let pattern = self.url(issuer);
        match (pattern.split_once('{'), pattern.split_once('}')) {
            (Some((before, _)), Some((_, after))) => format!("{before}{value}{after}"),
            _ => pattern,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_contain_the_value_of_the_parameter() {
        let issuer = Issuer::parse("https://id.test/team").expect("canonical");
        let url = Endpoint::ManageClient.url_with(&issuer, "team.wiki");
        assert_eq!(url, "https://id.test/team/oauth/register/team.wiki");
        assert_eq!(Endpoint::Token.url(&issuer), "https://id.test/team/oauth/token");
    }
}
