//! Compares results with those of cel-go, the implementation that Kubernetes uses
//! (`tests/golden/cel.jsonl`, recorded by `tests/golden/cel`).

use serde_json::{Map, Value};

use super::{Expression, ExpressionScope, ExpressionVariables};

const FILE: &str = include_str!("../../tests/golden/cel.jsonl");
const CLAIMS: &str = include_str!("../../tests/golden/cel/claims.json");

/// Expressions that are refused or read differently here, with the reason.
const DIFFERENT: [(&str, &str); 16] = [
    ("1 == 1.0", "numbers are compared by value, also literals"),
    ("[1] + [2.5]", "lists have elements of any type, also literals"),
    ("{'a': 1} == {'a': 1.0}", "maps have values of any type, also literals"),
    ("claims.groups.existsOne(g, g == 'dev')", "the name of later releases of cel-go"),
    ("claims.?hd", "a result is never optional"),
    ("claims.hd.orValue('x')", "only optional values have orValue"),
    ("claims.groups.all(claims, claims != '')", "no element hides a variable"),
    ("claims.groups.all(g, claims.groups.exists(h, h == g))", "loops are not nested"),
    ("{'a': 1, 'a': 2}", "an error, as the specification says"),
    ("true < false", "only numbers and texts have an order"),
    (".claims.hd", "there are no packages"),
    ("b'a'", "no bytes"),
    ("1u", "no unsigned numbers"),
    ("type(claims.hd) == string", "no values of types"),
    ("timestamp('2020-01-01T00:00:00Z') < timestamp('2021-01-01T00:00:00Z')", "no times"),
    ("'%s'.format(['a'])", "no format"),
];

#[derive(Debug, PartialEq)]
enum Outcome {
    Value(Value),
    /// Refused before the evaluation.
    Refused,
    Failed,
}

fn recorded(line: &Map<String, Value>) -> Outcome {
    match (line.get("error").and_then(Value::as_str), line.get("value")) {
        (Some("compile"), _) => Outcome::Refused,
        (Some(_), _) => Outcome::Failed,
        (None, value) => Outcome::Value(value.cloned().unwrap_or_default()),
    }
}

fn evaluate(text: &str, claims: &Map<String, Value>) -> Outcome {
    let variables = ExpressionVariables { claims: Some(claims), ..ExpressionVariables::default() };
    let Ok(expression) = Expression::parse(text, ExpressionScope::Claims) else {
        return Outcome::Refused;
    };
    expression.evaluate(&variables).map_or(Outcome::Failed, Outcome::Value)
}

/// JSON has one type of numbers, so 1 and 1.0 are the same.
fn without_types(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Array(list) => list.iter().map(without_types).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), without_types(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn results_are_those_of_cel_go() {
    let claims: Map<String, Value> = serde_json::from_str(CLAIMS).expect("claims");
    let mut wrong = Vec::new();
    for line in FILE.lines() {
        let line: Map<String, Value> = serde_json::from_str(line).expect("a line");
        let text = line["expression"].as_str().expect("an expression");
        let (theirs, ours) = (recorded(&line), evaluate(text, &claims));
        let agree = match (&theirs, &ours) {
            (Outcome::Value(theirs), Outcome::Value(ours)) => {
                without_types(theirs) == without_types(ours)
            }
            // A mistake may be found earlier or later.
            (Outcome::Failed, Outcome::Refused) | (Outcome::Refused, Outcome::Failed) => true,
            (theirs, ours) => theirs == ours,
        };
        let listed = DIFFERENT.iter().any(|(expression, _)| *expression == text);
        if agree == listed {
            wrong.push(format!("{text}: cel-go {theirs:?}, ours {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
