//! Addresses of the installation's Service inside the cluster.

use url::Url;

use super::TenantId;

/// An address of the installation's Service, at which every tenant is found at
/// `/<namespace>/<name>`, whatever the host of its issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InternalHost {
    url: Box<str>,
    authority_start: usize,
    namespaces: Box<[String]>,
}

impl InternalHost {
    /// Parses `http(s)://host[:port]`, for the tenants of some namespaces (`*`: of all). Returns
    /// `None` if the URL has anything else.
    pub fn parse(text: &str, namespaces: Vec<String>) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let canonical = url.as_str().trim_end_matches('/');
        let plain = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        (plain && !namespaces.is_empty()).then(|| Self {
            authority_start: url.scheme().len() + "://".len(),
            url: canonical.into(),
            namespaces: namespaces.into(),
        })
    }

    /// The host, and the port unless it is the scheme's default, as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.url[self.authority_start..]
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rfind(':') {
            Some(at) if !authority.ends_with(']') => &authority[..at],
            _ => authority,
        }
    }

    /// Returns true if the tenants of a namespace are found at this address.
    pub fn serves(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|one| one == "*" || one == namespace)
    }

    /// The address of a tenant, as the issuer's counterpart inside the cluster.
    pub fn tenant_url(&self, tenant: &TenantId) -> String {
        format!("{}/{}/{}", self.url, tenant.0.namespace, tenant.0.name)
    }

    /// The tenant that a path belongs to, and the rest of the path.
    pub fn split_path(path: &str) -> Option<(TenantId, &str)> {
        let (namespace, after) = path.strip_prefix('/')?.split_once('/')?;
        let end = after.find('/').unwrap_or(after.len());
        let (name, rest) = after.split_at(end);
        (!namespace.is_empty() && !name.is_empty()).then(|| (TenantId::new(namespace, name), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<InternalHost> {
        InternalHost::parse(text, vec!["*".to_owned()])
    }

    #[test]
    fn is_a_scheme_a_host_and_a_port() {
        let parsed = host("http://Lanyard.sso.svc:8080/").expect("valid");
        assert_eq!(parsed.authority(), "lanyard.sso.svc:8080");
        assert_eq!(parsed.host(), "lanyard.sso.svc");
        let tenant = TenantId::new("team", "main");
        assert_eq!(parsed.tenant_url(&tenant), "http://lanyard.sso.svc:8080/team/main");
        assert_eq!(host("http://lanyard.sso:80").expect("valid").authority(), "lanyard.sso");
        for wrong in ["lanyard.sso.svc", "ftp://x", "http://x/y", "http://x?y", "http://u@x", ""] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
        assert_eq!(InternalHost::parse("http://x", vec![]), None);
    }

    #[test]
    fn finds_the_tenants_of_its_namespaces() {
        let some = InternalHost::parse("http://x", vec!["team".to_owned()]).expect("valid");
        assert!(some.serves("team") && !some.serves("other"));
        assert!(host("http://x").expect("valid").serves("other"));
    }

    #[test]
    fn paths_start_with_namespace_and_name() {
        let tenant = TenantId::new("team", "main");
        assert_eq!(InternalHost::split_path("/team/main"), Some((tenant.clone(), "")));
        assert_eq!(InternalHost::split_path("/team/main/x/y"), Some((tenant, "/x/y")));
        for wrong in ["", "/", "/team", "/team/", "//main", "team/main"] {
            assert_eq!(InternalHost::split_path(wrong), None, "{wrong}");
        }
    }
}
