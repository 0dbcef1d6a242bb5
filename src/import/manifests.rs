//! The manifests of an import.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ImportOptions, ImportResult, names::ObjectNames, notes::ImportNotes};
use crate::api::{self, SecretKeyRef};

/// An object that an import makes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedManifest {
    /// `kind` of the object, such as `OidcClient`.
    pub kind: &'static str,
    /// `metadata.name` of the object.
    pub name: String,
    /// The whole object as JSON, with `apiVersion`, `kind`, `metadata` and `spec`.
    pub object: Value,
}

/// The manifests and notes of an import, as they are collected.
#[derive(Debug)]
pub(super) struct ImportCollector {
    pub(super) tenant: String,
    pub(super) notes: ImportNotes,
    namespace: Option<String>,
    names: ObjectNames,
    manifests: Vec<ImportedManifest>,
}

impl ImportCollector {
    pub(super) fn new(tenant: &str, options: &ImportOptions) -> Self {
        let mut names = ObjectNames::default();
        let tenant = names.unique_name(TENANT, options.tenant.as_deref().unwrap_or(tenant));
        Self {
            tenant,
            notes: ImportNotes::default(),
            namespace: options.namespace.clone(),
            names,
            manifests: Vec::new(),
        }
    }

    /// Reserves a name for an object of a kind: the proposed name as an object name, with a number if it is taken.
    pub(super) fn unique_name(&mut self, kind: &'static str, proposed_name: &str) -> String {
        self.names.unique_name(kind, proposed_name)
    }

    pub(super) fn add_tenant(&mut self, spec: &api::TenantSpec) {
        let name = self.tenant.clone();
        self.add_object(TENANT, &name, spec);
    }

    pub(super) fn add_client(&mut self, name: &str, spec: &api::OidcClientSpec) {
        self.add_object(CLIENT, name, spec);
    }

    pub(super) fn add_user(&mut self, name: &str, spec: &api::OidcUserSpec) {
        self.add_object(USER, name, spec);
    }

    pub(super) fn add_provider(&mut self, name: &str, spec: &Map<String, Value>) {
        self.add_object(PROVIDER, name, spec);
    }

    /// Adds a Secret and returns its name.
    pub(super) fn add_secret(&mut self, proposed_name: &str, entries: &[(&str, &str)]) -> String {
        let name = self.unique_name(SECRET, proposed_name);
        let entries: Map<String, Value> =
            entries.iter().map(|(key, text)| ((*key).to_owned(), json!(text))).collect();
        let object = json!({
            "apiVersion": "v1",
            "kind": SECRET,
            "metadata": self.metadata(&name),
            "type": "Opaque",
            "stringData": entries,
        });
        self.manifests.push(ImportedManifest { kind: SECRET, name: name.clone(), object });
        name
    }

    /// Adds a Secret with one entry, and returns a reference to it. Without a text no Secret is
    /// written, and the reference names one that has to be created.
    pub(super) fn secret_entry(
        &mut self,
        proposed_name: &str,
        key: &str,
        text: Option<&str>,
    ) -> SecretKeyRef {
        let name = match text {
            Some(text) => self.add_secret(proposed_name, &[(key, text)]),
            None => self.unique_name(SECRET, proposed_name),
        };
        SecretKeyRef { name, key: None }
    }

    fn add_object(&mut self, kind: &'static str, name: &str, spec: &impl Serialize) {
        let spec = serde_json::to_value(spec).expect("specs serialise to JSON");
        let object = json!({
            "apiVersion": format!("{}/{}", api::GROUP, api::VERSION),
            "kind": kind,
            "metadata": self.metadata(name),
            "spec": spec,
        });
        self.manifests.push(ImportedManifest { kind, name: name.to_owned(), object });
    }

    fn metadata(&self, name: &str) -> Value {
        match &self.namespace {
            Some(namespace) => json!({ "name": name, "namespace": namespace }),
            None => json!({ "name": name }),
        }
    }

    pub(super) fn into_imported(self) -> ImportResult {
        let mut manifests = self.manifests;
        let kinds = [TENANT, PROVIDER, CLIENT, USER, SECRET];
        manifests.sort_by_key(|manifest| kinds.iter().position(|kind| *kind == manifest.kind));
        ImportResult { manifests, notes: self.notes.into_notes() }
    }
}

pub(super) const TENANT: &str = "Tenant";
pub(super) const CLIENT: &str = "OidcClient";
pub(super) const USER: &str = "OidcUser";
pub(super) const PROVIDER: &str = "IdentityProvider";
pub(super) const SECRET: &str = "Secret";
