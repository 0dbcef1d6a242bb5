//! Any expression over any claims: no panic, no endless evaluation, and the same result twice.
#![no_main]

use std::sync::LazyLock;

use lanyard::expression::{
    Expression, ExpressionClient, ExpressionScope, ExpressionUser, ExpressionVariables,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

static CLAIMS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let claims = json!({
        "a": "aä".repeat(2000), "g": vec!["group"; 512], "n": [1, 2.5, null, true, -1],
        "m": {"m": {"m": "x"}, "": []}, "hd": "acme.test", "i": i64::MIN, "u": u64::MAX,
    });
    claims.as_object().cloned().unwrap_or_default()
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let groups = ["admins".to_owned(), "k8s".to_owned()];
    let user = ExpressionUser {
        username: "ada",
        subject: "sub",
        email: Some("ada@acme.test"),
        email_verified: Some(false),
        groups: &groups,
        extra: &CLAIMS,
        provider: None,
        acr: Some("gold"),
        amr: &["pwd"],
    };
    let client = ExpressionClient { id: "team.app", name: "App", namespace: "team" };
    let variables =
        ExpressionVariables { claims: Some(&CLAIMS), user: Some(user), client: Some(client), steps: None };
    for scope in [ExpressionScope::Claims, ExpressionScope::User, ExpressionScope::Access] {
        let Ok(expression) = Expression::parse(&text, scope) else { continue };
        let result = expression.evaluate(&variables);
        assert_eq!(result, expression.evaluate(&variables));
        if let Ok(value) = &result {
            assert!(serde_json::to_vec(value).is_ok_and(|json| json.len() < 8 << 20));
        }
        if expression.evaluate_bool(&variables).is_ok() {
            assert!(matches!(result, Ok(Value::Bool(_))));
        }
        let _ = (expression.evaluate_text(&variables), expression.evaluate_texts(&variables));
    }
});
