//! Expressions, on one core.
//!
//! Guides: a typical rule is evaluated in less than 20 µs, and parsed in less than 100 µs.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lanyard::expression::{Expression, ExpressionScope, ExpressionVariables};
use serde_json::{Value, json};

const RULES: [(&str, &str); 4] = [
    ("in", "'k8s-users' in claims.groups"),
    ("typical", "claims.hd == 'acme.test' && claims.groups.exists(g, g.startsWith('k8s-'))"),
    ("optional", "claims.?email_verified.orValue(true) == true"),
    ("map", "claims.groups.filter(g, g.matches('^k8s-[a-z]+$')).map(g, 'corp:' + g)"),
];

fn evaluate(criterion: &mut Criterion) {
    let groups: Vec<String> = (0..20).map(|at| format!("group-{at}")).collect();
    let mut claims = json!({"hd": "acme.test", "email_verified": true, "groups": groups});
    if let Some(Value::Array(groups)) = claims.get_mut("groups") {
        groups.push(json!("k8s-users"));
    }
    let claims = claims.as_object().expect("an object").clone();
    let variables = ExpressionVariables { claims: Some(&claims), ..ExpressionVariables::default() };
    let mut group = criterion.benchmark_group("expression");
    for (name, text) in RULES {
        group.bench_function(BenchmarkId::new("parse", name), |bencher| {
            bencher.iter(|| Expression::parse(black_box(text), ExpressionScope::Claims));
        });
        let expression = Expression::parse(text, ExpressionScope::Claims).expect(text);
        group.bench_function(BenchmarkId::new("evaluate", name), |bencher| {
            bencher.iter(|| black_box(expression.evaluate(&variables)));
        });
    }
}

criterion_group!(expressions, evaluate);
criterion_main!(expressions);
