//! Reads the installation's host settings from the entries of a `ConfigMap`. An entry that cannot be
//! read leaves what was read from it last, so that a typo takes no host away. No I/O.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::manifests;
use crate::model::{HostPattern, HostPermission, HostSettings, InternalHost};

const ISSUER_HOSTS: &str = "issuerHosts";
const INTERNAL_HOSTS: &str = "internalHosts";
const INSECURE_HTTP_HOSTS: &str = "insecureHttpHosts";
const UPSTREAM_HOSTS: &str = "upstreamHosts";

/// One item of `issuerHosts`, `insecureHttpHosts` or `upstreamHosts`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostItem {
    host: String,
    namespaces: Vec<String>,
}

/// One item of `internalHosts`: an address inside the cluster, and the namespaces that may use it (default: all).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlItem {
    url: String,
    #[serde(default = "every_namespace")]
    namespaces: Vec<String>,
}

fn every_namespace() -> Vec<String> {
    vec!["*".to_owned()]
}

/// A field of an item is wrong.
#[derive(Debug, thiserror::Error)]
enum HostSettingError {
    #[error("host: {0:?} must be a host name, or *. and a suffix")]
    Host(String),
    #[error("url: {0:?} must be scheme, host and port, such as http://lanyard.sso.svc")]
    Url(String),
    #[error("namespaces: must name at least one namespace, or \"*\" for all")]
    NoNamespace,
    #[error("namespaces: {0:?} must be the name of a namespace, or \"*\"")]
    Namespace(String),
}

/// Reads the settings, and keeps of each entry the value that could be read last.
#[derive(Debug, Default)]
pub(super) struct HostSettingsReader {
    issuer: LastRead<Vec<HostPermission>>,
    internal: LastRead<Vec<InternalHost>>,
    insecure_http: LastRead<Vec<HostPermission>>,
    upstream: LastRead<Vec<HostPermission>>,
}

/// The value of an entry that could be read last; empty before the first one.
#[derive(Debug, Default)]
struct LastRead<T> {
    value: T,
    was_read: bool,
}

impl HostSettingsReader {
    /// Reads all entries. Returns the settings in force, and the problems of entries that could not be
    /// read.
    pub(super) fn read(&mut self, data: &BTreeMap<String, String>) -> (HostSettings, Vec<String>) {
        let mut problems = Vec::new();
        let text = |entry: &str| data.get(entry).map(String::as_str).unwrap_or_default();
        for (entry, permissions) in [
            (ISSUER_HOSTS, &mut self.issuer),
            (INSECURE_HTTP_HOSTS, &mut self.insecure_http),
            (UPSTREAM_HOSTS, &mut self.upstream),
        ] {
            permissions.read(&mut problems, (entry, text(entry)), host_permission);
        }
        let internal = (INTERNAL_HOSTS, text(INTERNAL_HOSTS));
        self.internal.read(&mut problems, internal, internal_host);
        (self.settings(), problems)
    }

    /// The settings in force: of each entry the value that could be read last.
    pub(super) fn settings(&self) -> HostSettings {
        HostSettings {
            issuer_hosts: self.issuer.value.clone(),
            internal_hosts: self.internal.value.clone().into(),
            insecure_http_hosts: self.insecure_http.value.clone(),
            upstream_hosts: self.upstream.value.clone(),
        }
    }
}

impl<T> LastRead<Vec<T>> {
    /// Replaces the value if all items can be read. The first time there is nothing to keep, so the
    /// items that can be read are used.
    fn read<I: for<'de> Deserialize<'de>>(
        &mut self,
        problems: &mut Vec<String>,
        (entry, text): (&str, &str),
        convert: impl Fn(I) -> Result<T, HostSettingError>,
    ) {
        let (value, wrong) = items(text, convert);
        if wrong.is_empty() || !self.was_read {
            (self.value, self.was_read) = (value, true);
        }
        problems.extend(wrong.into_iter().map(|message| format!("{entry}{message}")));
    }
}

/// The items of a list that can be read, and the problems of the others.
fn items<T, I: for<'de> Deserialize<'de>>(
    text: &str,
    convert: impl Fn(I) -> Result<T, HostSettingError>,
) -> (Vec<T>, Vec<String>) {
    let items = match manifests::read_value(text) {
        Ok(Value::Null) => Vec::new(),
        Ok(Value::Array(items)) => items,
        Ok(_) => return (Vec::new(), vec![" must be a list".to_owned()]),
        Err(error) => return (Vec::new(), vec![format!(" is not valid YAML: {error}")]),
    };
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        let read = serde_json::from_value(item).map_err(|error| format!(": {error}"));
        match read.and_then(|item| convert(item).map_err(|error| format!(".{error}"))) {
            Ok(value) => values.push(value),
            Err(message) => problems.push(format!("[{index}]{message}")),
        }
    }
    (values, problems)
}

fn host_permission(item: HostItem) -> Result<HostPermission, HostSettingError> {
    let namespaces = namespaces(item.namespaces)?;
    let pattern = HostPattern::parse(&item.host).ok_or(HostSettingError::Host(item.host))?;
    Ok(HostPermission { pattern, namespaces })
}

fn internal_host(item: UrlItem) -> Result<InternalHost, HostSettingError> {
    let namespaces = namespaces(item.namespaces)?;
    InternalHost::parse(&item.url, namespaces).ok_or(HostSettingError::Url(item.url))
}

fn namespaces(written: Vec<String>) -> Result<Vec<String>, HostSettingError> {
    if written.is_empty() {
        return Err(HostSettingError::NoNamespace);
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match written.iter().find(|name| *name != "*" && (name.is_empty() || !name.chars().all(plain)))
    {
        Some(wrong) => Err(HostSettingError::Namespace(wrong.clone())),
        None => Ok(written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "- {host: '*.a.test', namespaces: [team-a]}\n- host: b.test\n  namespaces: ['*']\n";

    fn data(issuer_hosts: &str, internal_hosts: &str) -> BTreeMap<String, String> {
        BTreeMap::from([
            (ISSUER_HOSTS.to_owned(), issuer_hosts.to_owned()),
            (INTERNAL_HOSTS.to_owned(), internal_hosts.to_owned()),
        ])
    }

    #[test]
    fn reads_yaml_and_json() {
        let internal = r#"[{"url": "http://lanyard.sso.svc"}]"#;
        let (settings, problems) = HostSettingsReader::default().read(&data(GOOD, internal));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(settings.issuer_hosts.len(), 2);
        assert_eq!(settings.issuer_hosts[0].namespaces, ["team-a"]);
        assert!(settings.issuer_hosts[0].pattern.matches("id.a.test"));
        assert!(settings.internal_hosts[0].serves("any"));
        for (entry, expected) in [(INSECURE_HTTP_HOSTS, [0, 2, 0]), (UPSTREAM_HOSTS, [0, 0, 2])] {
            let data = BTreeMap::from([(entry.to_owned(), GOOD.to_owned())]);
            let (settings, _) = HostSettingsReader::default().read(&data);
            let lists =
                [&settings.issuer_hosts, &settings.insecure_http_hosts, &settings.upstream_hosts];
            assert_eq!(lists.map(Vec::len), expected, "{entry}");
        }
        let (settings, problems) = HostSettingsReader::default().read(&BTreeMap::new());
        assert!(problems.is_empty() && settings == HostSettings::default());
    }

    #[test]
    fn an_unreadable_entry_keeps_its_last_value_and_no_other() {
        let mut reader = HostSettingsReader::default();
        let (before, _) = reader.read(&data(GOOD, ""));
        for (wrong, said) in [
            ("- {host: '*.a.test', namespaces: []}", "issuerHosts[0].namespaces: must name"),
            ("- {host: 'a.*.test', namespaces: [x]}", "issuerHosts[0].host: \"a.*.test\" must be"),
            ("- {host: a.test, namespaces: [X_Y]}", "issuerHosts[0].namespaces: \"X_Y\" must be"),
            ("- {host: a.test}", "issuerHosts[0]: missing field `namespaces`"),
            ("- {host: a.test, namespaces: [x], more: 1}", "issuerHosts[0]: unknown field `more`"),
            ("a.test", "issuerHosts must be a list"),
            ("[", "issuerHosts is not valid YAML"),
        ] {
            let (now, problems) = reader.read(&data(wrong, "- {url: 'http://x'}"));
            assert_eq!(now.issuer_hosts, before.issuer_hosts, "{wrong}");
            assert_eq!(now.internal_hosts.len(), 1, "{wrong}");
            assert!(problems.len() == 1 && problems[0].starts_with(said), "{problems:?}");
        }
        let (now, problems) = reader.read(&data("", ""));
        assert!(problems.is_empty() && now == HostSettings::default());
    }

    #[test]
    fn the_first_time_the_readable_items_count() {
        let text = format!("{GOOD}- {{host: '*', namespaces: ['*']}}\n");
        let (settings, problems) = HostSettingsReader::default().read(&data(&text, ""));
        assert_eq!((settings.issuer_hosts.len(), problems.len()), (2, 1), "{problems:?}");
    }
}
