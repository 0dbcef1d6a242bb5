use serde_json::json;

use super::*;
use crate::registry::ValidationProblem;

/// The problems of a user with these identities, as `field: message`.
fn problems_of(identities: &serde_json::Value) -> Vec<String> {
    let object = json!({
        "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcUser",
        "metadata": {"name": "grace", "namespace": "team"},
        "spec": {"tenantRef": {"name": "main"}, "username": "grace", "identities": identities},
    });
    let object: api::OidcUser = serde_json::from_value(object).expect("a user");
    let found = validate_user(&object, &ObjectKey::new("team", "grace"), true);
    let (problems, _) = found.problems.into_parts();
    problems.iter().map(ValidationProblem::text).collect()
}

#[test]
fn a_user_has_one_identity_at_each_provider() {
    let identity =
        |provider: &str, subject: &str| json!({"provider": provider, "subject": subject});
    let two = json!([identity("corp", "1"), identity("other", "1")]);
    assert_eq!(problems_of(&two), Vec::<String>::new());
    for subject in ["1", "2"] {
        let again =
            json!([identity("corp", "1"), identity("other", "1"), identity("corp", subject)]);
        let problems = problems_of(&again);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("spec.identities[2]: is a second person of the provider"));
    }
}
