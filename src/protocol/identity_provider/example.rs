//! Examples: claims with the account that has to become of them.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{
    IdentityProvider, MappingError, ProviderSource, UpstreamClaims, mapping::map_account_within,
    person_claims,
};
use crate::{expression::EvaluationBudgetPool, model::Account};

/// Maximum size of an example's claims, in bytes of JSON.
const MAX_EXAMPLE_BYTES: usize = 4 * 1024;
/// The step budget of all examples of a provider, as a multiple of the budget of one person.
const STEPS_OF_EXAMPLES: u32 = 2;

/// An example of the claim mapping: claims with the expected account.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingExample {
    /// The claims of a made-up person, as the provider would send them.
    pub claims: UpstreamClaims,
    /// The expected parts of the account by name, or `refused: true` for a person who must not be admitted.
    pub expects: Map<String, Value>,
}

/// The reason why an example fails: what was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExampleFailure {
    /// The claims are too large.
    #[error("claims must not exceed 4 KiB of JSON")]
    TooLarge,
    /// The claims give no account.
    #[error("the person is refused: {0}")]
    Refused(#[from] MappingError),
    /// The claims give an account although `refused` is expected.
    #[error("the person is admitted, but refused was expected")]
    Admitted,
    /// A part of the account is another one.
    #[error("{part} is {actual}, but {expected} was expected")]
    Differs {
        /// The name of the part.
        part: String,
        /// The value in the account.
        actual: Value,
        /// The value in the example.
        expected: Value,
    },
    /// No part of an account has this name.
    #[error(
        "{0:?} is not a part of an account; use username, email, emailVerified, name, groups, subject, extra or refused"
    )]
    UnknownPart(String),
}

/// Checks the examples of a provider, whose expressions share their steps: they are evaluated whenever the
/// object is read.
pub fn check_examples<'e>(
    provider: &IdentityProvider,
    examples: impl IntoIterator<Item = &'e MappingExample>,
) -> Vec<Result<(), ExampleFailure>> {
    let steps = EvaluationBudgetPool::times(STEPS_OF_EXAMPLES);
    examples.into_iter().map(|example| check_example(provider, example, &steps)).collect()
}

/// Maps the claims of an example and compares the result.
fn check_example(
    provider: &IdentityProvider,
    example: &MappingExample,
    steps: &EvaluationBudgetPool,
) -> Result<(), ExampleFailure> {
    if serde_json::to_vec(&example.claims).is_ok_and(|json| json.len() > MAX_EXAMPLE_BYTES) {
        return Err(ExampleFailure::TooLarge);
    }
    let wants_refusal = example.expects.get("refused") == Some(&Value::Bool(true));
    let claims = match &provider.source {
        ProviderSource::Oidc(_) => Cow::Owned(person_claims(&example.claims)),
        ProviderSource::GitHub(_) | ProviderSource::Ldap(_) => Cow::Borrowed(&example.claims),
    };
    let account = match (map_account_within(provider, &claims, steps), wants_refusal) {
        (Err(_), true) => return Ok(()),
        (Err(error), false) => return Err(error.into()),
        (Ok(_), true) => return Err(ExampleFailure::Admitted),
        (Ok(account), false) => account,
    };
    for (part, expected) in &example.expects {
        let actual = part_of(&account, part)?;
        if actual != *expected {
            let (part, expected) = (part.clone(), expected.clone());
            return Err(ExampleFailure::Differs { part, actual, expected });
        }
    }
    Ok(())
}

fn part_of(account: &Account, part: &str) -> Result<Value, ExampleFailure> {
    let claim = |name: &str| account.claims.get(name).cloned().unwrap_or_default();
    Ok(match part {
        "username" => claim("preferred_username"),
        "email" => claim("email"),
        "emailVerified" => claim("email_verified"),
        "name" => claim("name"),
        "groups" => json!(account.groups),
        "subject" => json!(account.subject.as_str()),
        "extra" => {
            let standard = ["preferred_username", "email", "email_verified", "name"];
            let others =
                account.claims.iter().filter(|(name, _)| !standard.contains(&name.as_str()));
            Value::Object(others.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        "refused" => json!(false),
        other => return Err(ExampleFailure::UnknownPart(other.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::identity_provider::fixtures::sample_provider as provider;

    fn checked_example(claims: Value, expects: Value) -> Result<(), String> {
        let (Value::Object(claims), Value::Object(expects)) = (claims, expects) else {
            panic!("objects")
        };
        let result = check_examples(&provider(), [&MappingExample { claims, expects }]).remove(0);
        result.map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_example_says_what_came() {
        let claims = json!({"sub": "1", "preferred_username": "ada", "groups": ["a"]});
        assert_eq!(
            checked_example(claims.clone(), json!({"username": "ada", "groups": ["a"]})),
            Ok(())
        );
        let failed = checked_example(claims.clone(), json!({"groups": ["b"]}));
        assert_eq!(failed, Err("groups is [\"a\"], but [\"b\"] was expected".to_owned()));
        assert!(checked_example(claims.clone(), json!({"refused": true})).is_err());
        assert!(
            checked_example(claims, json!({"user": "ada"})).is_err_and(|it| it.contains("part"))
        );
        let unnamed = json!({"sub": "1"});
        assert_eq!(checked_example(unnamed.clone(), json!({"refused": true})), Ok(()));
        assert!(checked_example(unnamed, json!({})).is_err_and(|it| it.contains("no username")));
    }
}
