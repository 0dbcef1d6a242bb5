//! Names, labels and annotations of client Secrets that controllers of other projects act on. A client
//! may use them only where the installation permits it to its namespace: permission to write an
//! `OidcClient` must not be permission to configure those controllers.

/// The permissions of the installation to use names, labels and annotations that other controllers act on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretPermissions {
    /// Keys of labels and annotations of Secrets.
    pub keys: Vec<SecretPermission>,
    /// Names of Secrets.
    pub names: Vec<SecretPermission>,
}

/// A name or key, and the namespaces whose clients may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPermission {
    pattern: String,
    namespaces: Vec<String>,
}

impl SecretPermission {
    /// Creates a permission for a name or key, or for all that begin with the text before a `*` at
    /// its end. The namespace `*` stands for all. Returns `None` if `*` is elsewhere in the pattern.
    pub fn new(pattern: &str, namespaces: Vec<String>) -> Option<Self> {
        let text = pattern.strip_suffix('*').unwrap_or(pattern);
        let is_valid = !pattern.is_empty() && !text.contains(['*', ' ']);
        is_valid.then(|| Self { pattern: pattern.to_owned(), namespaces })
    }

    fn allows(&self, text: &str, namespace: &str) -> bool {
        let fits = match self.pattern.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => text == self.pattern,
        };
        fits && self.namespaces.iter().any(|allowed| allowed == "*" || allowed == namespace)
    }
}

impl SecretPermissions {
    /// Returns true if clients of the namespace may use the key of a label or annotation.
    pub fn allow_key(&self, key: &str, namespace: &str) -> bool {
        !is_acted_on(key) || self.keys.iter().any(|permission| permission.allows(key, namespace))
    }

    /// Returns true if clients of the namespace may use the name.
    pub fn allow_name(&self, name: &str, namespace: &str) -> bool {
        !is_name_acted_on(name)
            || self.names.iter().any(|permission| permission.allows(name, namespace))
    }
}

/// Keys without a prefix that controllers act on: Helm's storage of releases, and the sidecar of
/// Grafana.
const PLAIN_KEYS: [&str; 7] = [
    "owner",
    "grafana_alert",
    "grafana_dashboard",
    "grafana_datasource",
    "grafana_folder",
    "grafana_notifier",
    "grafana_plugin",
];

/// Names of Secrets that controllers read without any label: Argo CD, Istio.
const NAMES: [&str; 7] = [
    "argocd-image-updater-secret",
    "argocd-initial-admin-secret",
    "argocd-notifications-secret",
    "argocd-redis",
    "argocd-secret",
    "cacerts",
    "istio-ca-secret",
];

/// Returns true if the key has the prefix of a project, which is how controllers name what they act
/// on. `app.kubernetes.io` only describes an application.
fn is_acted_on(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, _)) => prefix != "app.kubernetes.io",
        None => PLAIN_KEYS.contains(&key),
    }
}

/// Returns true for the names above, for Helm's releases, bootstrap tokens, and the kubeconfig of a
/// cluster (Cluster API).
fn is_name_acted_on(name: &str) -> bool {
    NAMES.contains(&name)
        || name.starts_with("sh.helm.release.")
        || name.starts_with("bootstrap-token-")
        || name.ends_with("-kubeconfig")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(keys: &[&str], names: &[&str]) -> SecretPermissions {
        let all = |patterns: &[&str]| {
            let one = |pattern: &&str| {
                SecretPermission::new(pattern, vec!["argocd".to_owned()]).expect("a pattern")
            };
            patterns.iter().map(one).collect()
        };
        SecretPermissions { keys: all(keys), names: all(names) }
    }

    #[test]
    fn keys_that_describe_need_no_permission() {
        let none = SecretPermissions::default();
        for key in ["team", "app.kubernetes.io/part-of", "environment"] {
            assert!(none.allow_key(key, "team"), "{key}");
        }
        for key in ["argocd.argoproj.io/secret-type", "jenkins.io/credentials-type", "owner"] {
            assert!(!none.allow_key(key, "team"), "{key}");
        }
        assert!(none.allow_name("wiki-oidc", "team"));
        for name in ["argocd-secret", "sh.helm.release.v1.wiki.v1", "prod-kubeconfig", "cacerts"] {
            assert!(!none.allow_name(name, "team"), "{name}");
        }
    }

    #[test]
    fn a_permission_is_for_its_namespaces() {
        let some = permitted(&["argocd.argoproj.io/*", "owner"], &["argocd-secret"]);
        assert!(some.allow_key("argocd.argoproj.io/secret-type", "argocd"));
        assert!(some.allow_key("owner", "argocd"));
        assert!(!some.allow_key("argocd.argoproj.io/secret-type", "team"));
        assert!(!some.allow_key("argoproj.io/x", "argocd"));
        assert!(some.allow_name("argocd-secret", "argocd"));
        assert!(!some.allow_name("argocd-secret", "team"));
        let everywhere = SecretPermission::new("owner", vec!["*".to_owned()]).expect("a pattern");
        let everywhere = SecretPermissions { keys: vec![everywhere], names: vec![] };
        assert!(everywhere.allow_key("owner", "team") && !everywhere.allow_key("a.test/b", "team"));
    }

    #[test]
    fn a_star_is_at_the_end_only() {
        for bad in ["", "*.argoproj.io/x", "a*b", "a b"] {
            assert_eq!(SecretPermission::new(bad, vec![]), None, "{bad}");
        }
    }
}
