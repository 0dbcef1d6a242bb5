//! Tests of what expressions accept and refuse, of their results, and of their bounds.

use std::{fmt::Write as _, time::Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn claims() -> Map<String, Value> {
    let claims = json!({
        "sub": "1", "hd": "acme.test", "email": "Ada@acme.test", "email_verified": true,
        "groups": ["k8s-users", "dev", "k8s-admins"], "roles": "a,b,c", "level": 3, "ratio": 2.5,
        "nothing": null, "https://acme.test/team": "core",
        "address": {"country": "NL", "lines": []}, "mixed": ["a", 1], "accents": "äöü",
    });
    claims.as_object().expect("an object").clone()
}

fn parse(text: &str) -> Result<Expression, String> {
    Expression::parse(text, ExpressionScope::Claims).map_err(|error| error.to_string())
}

fn evaluate(text: &str) -> Result<Value, String> {
    let claims = claims();
    let variables = ExpressionVariables { claims: Some(&claims), ..ExpressionVariables::default() };
    let expression = parse(text).map_err(|error| format!("refused {error}"))?;
    expression.evaluate(&variables).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = parse(text).expect_err(text);
    assert!(error.contains(expected), "{text}: {error}");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let error = evaluate(text).expect_err(text);
    assert!(!error.starts_with("refused") && error.contains(expected), "{text}: {error}");
}

#[track_caller]
fn gives(text: &str, expected: Value) {
    assert_eq!(evaluate(text), Ok(expected), "{text}");
}

#[test]
fn the_expressions_of_kubernetes_documentation_are_evaluated() {
    gives("claims.?email_verified.orValue(true)", json!(true));
    gives("claims.?absent.orValue(true)", json!(true));
    gives("claims.?address.?country.orValue('')", json!("NL"));
    gives("claims.?absent.country.orValue('none')", json!("none"));
    gives("(has(claims.absent) ? claims.absent : true) == true", json!(true));
    gives("claims.roles.split(',')", json!(["a", "b", "c"]));
    gives("claims.sub + ':' + claims.hd", json!("1:acme.test"));
    gives("claims.level - 1 <= 86400", json!(true));
    gives("claims.groups.filter(g, g.startsWith('k8s-'))", json!(["k8s-users", "k8s-admins"]));
    gives("claims.groups.map(g, 'corp:' + g)[1]", json!("corp:dev"));
    gives("claims.groups.map(g, g != 'dev', g.size())", json!([9, 10]));
    gives("!claims.groups.exists(g, g.startsWith('system:'))", json!(true));
    gives("claims['https://acme.test/team']", json!("core"));
}

#[test]
fn operators_functions_and_literals_give_the_values_of_cel() {
    for (text, expected) in [
        ("1 + 2 * 3 - 4 / 2 % 3", json!(5)),
        ("-7 / 2 == -3 && -7 % 2 == -1", json!(true)),
        ("1 == 1.0 && 1 < 1.5 && claims.level == 3.0", json!(true)),
        ("'a' < 'b' && 'a' <= 'a' && !('b' > 'c')", json!(true)),
        ("claims.sub == 1 || claims.mixed == ['a', 1.0]", json!(true)),
        ("'dev' in claims.groups && 'hd' in claims && !('x' in claims)", json!(true)),
        ("{'a': [1, 2.5, null, false]}", json!({"a": [1, 2.5, null, false]})),
        ("{'nl': 'Netherlands'}[claims.address.country.lowerAscii()]", json!("Netherlands")),
        ("claims.nothing == null && has(claims.nothing)", json!(true)),
        ("r'\\d' + '\\x41\\u00e9\\101\\n' + '''a'b'''", json!("\\dAéA\na'b")),
        ("0x1F + -9223372036854775808 / 1", json!(i64::MIN + 31)),
        ("claims.accents.size() + size(claims.groups) + size(claims.address)", json!(8)),
        ("claims.accents.substring(1) + claims.accents.substring(0, 1)", json!("öüä")),
        ("claims.accents.indexOf('ü') + 'abab'.lastIndexOf('ab') + 'a'.indexOf('b')", json!(3)),
        ("'abab'.indexOf('a', 1)", json!(2)),
        ("claims.accents.charAt(1) + 'a'.charAt(1)", json!("ö")),
        ("'a-b-c'.replace('-', '+') + 'a-b-c'.replace('-', '', 1)", json!("a+b+cab-c")),
        (
            "'a,b,c'.split(',', 2) + 'ab'.split('') + 'a'.split('a', 0)",
            json!(["a", "b,c", "a", "b"]),
        ),
        ("['a', 'b'].join() + ['a', 'b'].join('-') + [].join()", json!("aba-b")),
        ("' X '.trim().upperAscii() + 'Ä'.lowerAscii()", json!("XÄ")),
        (r"'a.b@acme.test'.matches(r'^\w+([.-]\w+)*@acme\.test$')", json!(true)),
        ("'k8s-users'.matches('^k8s-[a-z]+$') && matches('b', '[bc]')", json!(true)),
        ("string(1) + string(true) + string(2.5) + 'x'", json!("1true2.5x")),
        ("int('42') + int(2.9) + int(-2.9)", json!(42)),
        ("double('2.5') + double(1)", json!(3.5)),
        ("bool('true') && !bool('0')", json!(true)),
        ("claims.groups.exists_one(g, g == 'dev') && claims.groups.all(g, g != '')", json!(true)),
        ("claims.address.exists(key, key == 'country')", json!(true)),
        ("claims.?absent.or(claims.?hd).value()", json!("acme.test")),
        ("claims.?hd.hasValue() && !claims.groups[?9].hasValue()", json!(true)),
        ("optional.of(1).orValue(2) + optional.none().orValue(2)", json!(3)),
        ("true ? 1 : false ? 2 : 3", json!(1)),
        ("// a comment\n claims.hd // and another", json!("acme.test")),
        ("[1, 2,] == [1, 2] && {'a': 1} == {'a': 1.0}", json!(true)),
        ("claims.address.`country`", json!("NL")),
        ("--1 == 1 && !!true", json!(true)),
    ] {
        gives(text, expected);
    }
}

#[test]
fn a_decisive_part_outweighs_an_error() {
    // CEL specification, "Logical operators"
    gives("claims.absent == 'x' || true", json!(true));
    gives("claims.absent == 'x' && false", json!(false));
    gives("claims.mixed.exists(it, it.startsWith('a'))", json!(true));
    gives("claims.mixed.all(it, it.startsWith('b'))", json!(false));
    fails("claims.absent == 'x' || false", "\"absent\" does not exist");
    fails("claims.mixed.all(it, it.startsWith('a'))", "startsWith needs text, found an integer");
    fails("claims.hd && true", "&& needs true or false, found text");
}

#[test]
fn errors_name_the_position_what_came_and_what_is_allowed() {
    refused("claim.hd", "at position 1: the variable \"claim\" does not exist; allowed: claims");
    refused("user.groups", "allowed: claims");
    refused("claims.hd.startWith('a')", "the function of a value \"startWith\" does not exist");
    refused("timestamp('x')", "allowed: size, string, int, double, bool, dyn");
    refused("claims.hd ==", "at position 13: found the end of the expression, expected a variable");
    refused("claims.hd == 'a' claims", "at position 18: found \"claims\", expected an operator");
    refused("(claims.hd", "expected an operator or \")\"");
    refused("[1, 2", "expected \",\" or \"]\"");
    refused("claims.hd = 'a'", "found \"=\"");
    refused("claims.hd == 'a", "at position 14: the text has no closing quote");
    refused("claims.hd.matches('\\d')", "the escape sequence does not exist");
    refused("claims.hd.matches('(')", "the pattern of matches is invalid");
    refused("claims.hd.matches('(a{500}){500}')", "invalid or too large");
    refused("claims.hd.matches(claims.roles)", "must be a literal");
    refused("claims.hd.contains()", "contains takes one argument, found 0");
    refused("has(claims)", "has takes a field");
    refused("has(claims['hd'])", "has takes a field");
    refused(
        "claims.groups.all(g, claims.groups.exists(h, h == g))",
        "exists is inside another loop",
    );
    refused("claims.groups.all(claims, true)", "needs a name that no variable has");
    refused("claims.groups.all(1, true)", "the first argument of a loop is a name");
    refused("claims.groups.all(g, true) && g == ''", "the variable \"g\" does not exist");
    refused("b'a'", "bytes are not supported");
    refused("1u", "unsigned numbers are not supported");
    refused("9223372036854775808", "too large");
    refused("while", "found \"while\"");
    refused("", "found the end of the expression");
    refused("claims.hd @ 1", "the character '@'");
    refused(&format!("'{}'", "a".repeat(1023)), "has 1025 bytes, and at most 1024");
}

#[test]
fn operands_and_results_of_a_known_wrong_type_are_refused() {
    refused("'a' + 1", "+ needs two integers, two decimal numbers, two texts or two lists");
    refused("1 == 'a'", "an integer and text are never equal");
    refused("!'a'", "! needs true or false, found text");
    refused("'a' in 'abc'", "text has contains");
    refused("claims.?hd == 'a'", "orValue gives the value) and text are never equal");
    refused("claims < 1", "< needs two numbers or two texts, found a map");
    refused("claims.hd.split(',').startsWith('a')", "startsWith needs text, found a list");
    refused("1 ? 2 : 3", "? needs true or false");
    refused("claims[1]", "an index needs text, found an integer");
    let boolean = [ExpressionType::Boolean];
    let require = |text: &str| {
        let expression = parse(text).expect(text);
        expression.require_result(&boolean).map_err(|error| error.to_string())
    };
    assert_eq!(require("claims.hd == 'a'"), Ok(()));
    assert_eq!(require("claims.hd"), Ok(()));
    let expected = "at position 1: the result is a list, and must be true or false";
    assert_eq!(require("claims.groups.filter(g, true)"), Err(expected.to_owned()));
}

#[test]
fn failing_evaluations_name_the_key_or_the_types() {
    fails("claims.absent", "at position 8: the key \"absent\" does not exist");
    fails("claims['absent']", "the key \"absent\" does not exist");
    fails("claims.groups[3]", "the list has 3 elements, and none at 3");
    fails("claims.groups[-1]", "none at -1");
    fails("claims.hd.x", "a field needs a map, found text");
    fails("claims.level + claims.hd", "+ needs two integers");
    fails("claims.level + 0.5", "+ needs two integers");
    fails("claims.hd < 1", "< needs two numbers or two texts, found");
    fails("'a' in claims.hd", "found text");
    fails("1 / (claims.level - 3)", "division is by zero");
    fails("claims.level * 9223372036854775807", "too large");
    fails("claims.hd.charAt(99)", "beyond the end");
    fails("claims.hd.substring(3, 1)", "the end is before the start");
    fails("int(claims.hd)", "the text is not an integer");
    fails("claims.mixed.join(',')", "join needs a list of texts, found an integer");
    fails("claims.?absent.value()", "the optional value is absent");
    fails("claims.?absent", "the result is an optional value");
    fails("claims.ratio / 0.0", "a finite number");
    fails("{'a': 1, claims.address.country.lowerAscii().replace('nl', 'a'): 2}", "a key twice");
}

#[test]
fn results_of_a_wrong_type_are_errors() {
    let claims = claims();
    let variables = ExpressionVariables { claims: Some(&claims), ..ExpressionVariables::default() };
    let of = |text: &str| parse(text).expect(text);
    assert_eq!(of("claims.email_verified").evaluate_bool(&variables), Ok(true));
    let error = of("claims.hd").evaluate_bool(&variables).expect_err("text");
    assert_eq!(error.to_string(), "at position 8: the result is text, and must be true or false");
    assert_eq!(of("claims.hd").evaluate_text(&variables).as_deref(), Ok("acme.test"));
    assert!(of("claims.level").evaluate_text(&variables).is_err());
    let texts = |text: &str| of(text).evaluate_texts(&variables);
    assert_eq!(texts("claims.roles.split(',')").expect("texts").len(), 3);
    assert_eq!(texts("claims.hd"), Ok(vec!["acme.test".to_owned()]));
    assert_eq!(texts("''").expect("none"), Vec::<String>::new());
    assert_eq!(texts("null").expect("none"), Vec::<String>::new());
    let error = texts("claims.mixed").expect_err("a number");
    assert!(error.to_string().ends_with("the result is an integer, and must be a list of texts"));
    assert!(of("claims.hd").evaluate(&ExpressionVariables::default()).is_err(), "no claims");
}

#[test]
fn evaluations_that_share_their_steps_are_bounded_together() {
    let Value::Object(claims) = json!({"x": "a".repeat(20_000)}) else { panic!("an object") };
    let expression = parse("claims.x.matches('b')").expect("parsed");
    let evaluated = |steps: Option<&EvaluationBudgetPool>| {
        let variables = ExpressionVariables { claims: Some(&claims), steps, ..Default::default() };
        expression.evaluate_bool(&variables)
    };
    let steps = EvaluationBudgetPool::new();
    let results: Vec<_> = (0..20).map(|_| evaluated(Some(&steps))).collect();
    let done = results.iter().take_while(|it| it.is_ok()).count();
    assert!((2..6).contains(&done), "{done}");
    let error = results[done].as_ref().expect_err("no step is left").to_string();
    assert!(
        error.contains("the expressions that are evaluated together take too many steps"),
        "{error}"
    );
    assert!(results[done..].iter().all(Result::is_err));
    assert_eq!(evaluated(None), Ok(false), "others have steps of their own");
}

const ACCESS: ExpressionScope = ExpressionScope::Access;

fn enters(text: &str, groups: &[&str]) -> Result<bool, String> {
    let groups: Vec<String> = groups.iter().map(|&it| it.to_owned()).collect();
    let extra = json!({"department": "sales"}).as_object().expect("an object").clone();
    let user = ExpressionUser {
        username: "ada",
        subject: "sub-1",
        email: Some("ada@acme.test"),
        email_verified: None,
        groups: &groups,
        extra: &extra,
        provider: None,
        acr: Some("gold"),
        amr: &["pwd", "otp"],
    };
    let client = ExpressionClient { id: "team.app", name: "App", namespace: "team" };
    let variables =
        ExpressionVariables { user: Some(user), client: Some(client), ..Default::default() };
    let expression = Expression::parse(text, ACCESS).map_err(|error| error.to_string())?;
    expression.evaluate_bool(&variables).map_err(|error| error.to_string())
}

#[test]
fn the_fields_of_user_and_client_are_known() {
    for text in [
        "'admins' in user.groups && client.namespace == 'team'",
        "user.username == 'ada' && user.uid == user.subject && user.extra.department == 'sales'",
        "user.extra['department'] == 'sales' && has(user.email) && !has(user.provider)",
        "user.?provider.orValue('local') == 'local' && user.?emailVerified.orValue(true)",
        "user.acr == 'gold' && user.amr.exists(m, m == 'otp') && client.id == 'team.app'",
        "client.name == 'App' && user.groups.size() == 1 && user.email.endsWith('@acme.test')",
    ] {
        assert_eq!(enters(text, &["admins"]), Ok(true), "{text}");
    }
    assert_eq!(enters("'admins' in user.groups", &["users"]), Ok(false));
    let missing = "at position 6: the key \"provider\" does not exist";
    assert_eq!(enters("user.provider == 'corp'", &[]), Err(missing.to_owned()));
    for (text, expected) in [
        ("user.group == 'a'", "the field of user \"group\" does not exist; allowed: username, uid"),
        ("client.labels.a == 'a'", "allowed: id, name, namespace"),
        ("user['groups'] == 'a'", "are used with a field"),
        ("user.groups == 'a'", "a list and text are never equal"),
        ("user.groups.contains('a')", "contains needs text, found a list"),
        ("claims.hd == 'a'", "allowed: user, client"),
    ] {
        assert!(enters(text, &[]).expect_err(text).contains(expected), "{text}");
    }
    let mapped = |text| Expression::parse(text, ExpressionScope::User);
    assert!(mapped("'a' in user.groups && claims.hd == 'a'").is_ok());
    assert!(mapped("user.acr == 'gold'").is_err() && mapped("client.id == ''").is_err());
}

#[test]
fn depth_is_bounded_before_the_stack_is() {
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("true?1:", "1", ""),
        ("1+", "1", ""),
        ("{'a':", "1", "}"),
        ("string(", "''", ")"),
    ] {
        let nested = |levels: usize| open.repeat(levels) + inner + &close.repeat(levels);
        assert!(parse(&nested(20)).is_ok(), "{open}");
        for levels in [100, 120, 341, 500] {
            let text = nested(levels);
            if text.len() <= MAX_EXPRESSION_LEN && !matches!(open, "!" | "-") {
                refused(&text, "nested more than 48 levels deep");
            }
        }
    }
    assert!(parse(&("!".repeat(1000) + "true")).is_ok(), "signs are counted, not nested");
    refused(&format!("claims{}", ".a".repeat(100)), "nested more than");
    refused(&format!("claims{}", "[0]".repeat(100)), "nested more than");
    assert!(parse(&format!("true{}", "||true".repeat(150))).is_ok(), "a flat list");
}

/// Bits of a linear generator. Each brings a large pattern into another set of states.
fn bits(count: usize) -> String {
    let next = |state: &mut u32, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(if *state >> 31 == 0 { '0' } else { '1' })
    };
    (0..count).scan(1_u32, next).collect()
}

/// The expressions that cost most within their bounds end within a fraction of a second, even in a
/// debug build.
#[test]
fn the_most_expensive_expressions_are_bounded() {
    let long = "a".repeat(30_000);
    let many: Vec<String> = (0..MAX_LOOP_ELEMENTS).map(|at| format!("group-{at}")).collect();
    let (all, few) = (bits(30_000), bits(700));
    let too_many = vec!["x"; MAX_LOOP_ELEMENTS + 1];
    let claims = json!({"a": long, "b": all, "c": few, "g": many, "h": too_many});
    let claims = claims.as_object().expect("an object").clone();
    let variables = ExpressionVariables { claims: Some(&claims), ..ExpressionVariables::default() };
    let mut sum = String::from("claims.a");
    for _ in 0..45 {
        sum += "+claims.a";
    }
    let mut conditions = String::from("true");
    for _ in 0..70 {
        conditions += "&&claims!={}";
    }
    let expensive = [
        sum,
        format!("claims.g.map(g, {})", ["claims.a"; 20].join("+")),
        "claims.g.map(g, claims)".to_owned(),
        "claims.g.map(g, claims.g)".to_owned(),
        "claims.g.all(g, claims == claims)".to_owned(),
        format!("claims.g.all(g, {conditions})"),
        "claims.g.exists(g, claims.a.matches('(a|a?)+b'))".to_owned(),
        "claims.a.matches('(a|aa|[^b]?){60}c') || claims.a.matches('.{0,90}b')".to_owned(),
        "claims.b.matches('1[01]{1000}[23]')".to_owned(),
        "claims.b.matches('1(0?1?){200}[01]{200}[23]')".to_owned(),
        "claims.g.exists(g, claims.c.matches('1[01]{1000}[23]'))".to_owned(),
        "claims.g.all(g, !claims.a.contains('aaaaaaab'))".to_owned(),
        "claims.g.map(g, claims.a.split(''))".to_owned(),
        "claims.a.replace('', claims.a)".to_owned(),
        "claims.a.replace('a', claims.a).replace('a', claims.a)".to_owned(),
        "claims.g.map(g, claims.a.upperAscii())".to_owned(),
        "claims.g.map(g, claims.g.join(claims.a))".to_owned(),
        "claims.g.filter(g, g in claims.g)".to_owned(),
        "claims.h.all(h, true)".to_owned(),
    ];
    for text in expensive {
        let expression = parse(&text).expect(&text);
        let started = Instant::now();
        let result = expression.evaluate(&variables);
        let took = started.elapsed();
        assert!(took.as_millis() < 1500, "{text}: {took:?}");
        let error = result.expect_err(&text).to_string();
        assert!(
            ["steps", "bytes", "at most 512"].iter().any(|it| error.contains(it)),
            "{text}: {error}"
        );
    }
    assert!(
        parse("claims.g.exists(g, g == 'group-511')").expect("one").evaluate(&variables).is_ok()
    );
}

#[test]
fn an_expression_is_shared_and_compared_by_its_text() {
    fn assert_shared<T: Send + Sync>(_: &T) {}
    let expression = parse("claims.hd == 'a'").expect("an expression");
    assert_shared(&expression);
    assert_eq!(expression.clone(), expression);
    assert_ne!(Some(expression.clone()), parse("claims.hd=='a'").ok());
    assert_eq!(
        format!("{expression:?} {expression}"),
        "Expression(\"claims.hd == 'a'\") claims.hd == 'a'"
    );
}

/// Texts of tokens, which reach further than any characters do.
fn token_texts() -> impl Strategy<Value = String> {
    let tokens = [
        "claims",
        ".groups",
        ".hd",
        ".a",
        ".?a",
        "[0]",
        "['hd']",
        "[?'x']",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        " in ",
        "'a'",
        "\"k8s\"",
        "1",
        "2.5",
        "null",
        "true",
        "false",
        ".all(x, ",
        ".map(x, ",
        ".exists(x, ",
        "x",
        ".size()",
        "size(",
        ".split(',')",
        ".join('-')",
        ".matches('a+')",
        ".orValue(1)",
        "has(",
        ".replace('', 'ab')",
        ".substring(1)",
        "int(",
        "string(",
        "9223372036854775807",
    ];
    prop::collection::vec(prop::sample::select(tokens.to_vec()), 0..40)
        .prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_text_is_parsed_and_evaluated_without_a_panic(
        text in prop_oneof![".{0,200}", token_texts()],
    ) {
        let _ = evaluate(&text);
        let _ = enters(&text.replace("claims", "user"), &["a"]);
    }

    #[test]
    fn parsing_gives_a_tree_that_its_shown_text_gives_again(text in token_texts()) {
        if let Ok(expression) = parse(&text) {
            let mut shown = String::new();
            write!(shown, "{expression}").expect("a text");
            prop_assert_eq!(parse(&shown).ok(), Some(expression));
        }
    }
}
