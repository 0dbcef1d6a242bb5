//! Validates manifests as an API server would on admission, because `dev` has none in front of its
//! folder.

use std::iter;

use crate::{
    api::ConditionReason,
    model::{Installation, Timestamp},
    registry::{BuildCache, build_snapshot},
    source::folder::{ManifestValidator, collect_objects},
};

/// A validator of single objects, by the rules of their definitions. Problems that depend on other
/// objects (a missing tenant, a used client ID) are reported in the object's conditions.
pub(super) fn manifest_validator(installation: &Installation, now: Timestamp) -> ManifestValidator {
    let installation = installation.clone();
    Box::new(move |reference, object| {
        let alone = collect_objects(iter::once((reference.clone(), object.clone())));
        let snapshot = build_snapshot(&alone, &installation, &BuildCache::default(), 1, now);
        let problems = snapshot.verdicts().iter().flat_map(|verdict| &verdict.problems);
        problems
            .filter(|problem| {
                matches!(
                    problem.reason,
                    ConditionReason::Invalid | ConditionReason::UnsupportedValue
                )
            })
            .map(|problem| (problem.field.clone(), problem.message.clone()))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        model::{HostSettings, Issuer, KeySecrets, SecretPermissions},
        source::{folder::CachedManifest, manifests::parse_text},
    };

    fn fields(spec: &str) -> Vec<String> {
        let base_url = Issuer::parse("http://localhost:8080").expect("canonical");
        let key_secrets = KeySecrets::new("", "");
        let installation = Installation {
            base_url,
            hosts: HostSettings::default(),
            client_secrets: SecretPermissions::default(),
            dev: true,
            keeps_authenticators: true,
            mutual_tls: None,
            key_secrets,
            languages: crate::messages::Languages::built_in(),
        };
        let head = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: it}\n";
        let (objects, problems) = parse_text(
            Path::new("it.yaml"),
            &format!("{head}spec: {{tenantRef: {{name: main}}, {spec}}}"),
        );
        assert!(problems.is_empty(), "{problems:?}");
        let validate = manifest_validator(&installation, Timestamp::from_secs(0));
        let (reference, object) = CachedManifest::of(objects[0].clone());
        validate(&reference, &object).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn refuses_violations_within_the_object() {
        assert_eq!(fields("redirectUris: ['https://rp.test/#x']"), ["spec.redirectUris[0]"]);
        assert_eq!(fields("grantTypes: [sorcery]"), ["spec.grantTypes[0]"]);
    }

    #[test]
    fn leaves_references_to_conditions() {
        // No tenant is there, and none that has the scope.
        let none: [&str; 0] = [];
        assert_eq!(fields("redirectUris: ['https://rp.test/cb'], scopes: [of-the-tenant]"), none);
    }
}
