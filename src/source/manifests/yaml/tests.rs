use std::fmt::Write as _;

use super::*;

fn refused(text: &str) -> String {
    read_yaml(text).expect_err(text).problem.to_string()
}

#[test]
fn expansion_of_aliases_is_bounded() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ('b'..='i').zip('a'..) {
        let aliases = vec![format!("*{before}"); 10].join(", ");
        let _ = writeln!(laughs, "{name}: &{name} [{aliases}]");
    }
    assert!(refused(&laughs).contains("aliases"), "few bytes, many nodes");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 100].join(", "));
    assert!(refused(&long).contains("aliases"), "few nodes, many bytes");
    let nested = format!("{}{}{}", "&a [".repeat(150), "x".repeat(1 << 20), "]".repeat(150));
    assert!(refused(&nested).contains("aliases"), "anchors within anchors");
}

#[test]
fn depth_is_bounded() {
    assert!(read_yaml(&format!("{}{}", "[".repeat(199), "]".repeat(199))).is_ok());
    for text in [format!("{}1", "[".repeat(100_000)), format!("{}1", "- ".repeat(100_000))] {
        assert!(refused(&text).contains("levels"));
    }
}

#[test]
fn a_panic_of_the_parser_is_an_error() {
    assert!(read_yaml("[!a, b]").is_err());
}

#[test]
fn keys_that_occur_twice_are_noted_with_their_line() {
    let document = read_yaml("a: 1\nb: {c: 1, c: 2}\na: 3\n").expect("YAML");
    assert_eq!(document.duplicates, [("c".to_owned(), 2), ("a".to_owned(), 3)]);
    assert_eq!(document.value, serde_json::json!({"a": 3, "b": {"c": 2}}));
    let merged = read_yaml("m: &m {a: 1}\nn: {<<: *m, a: 2}\n").expect("YAML");
    assert!(merged.duplicates.is_empty(), "{merged:?}");
}

#[test]
fn text_after_the_document_is_noted() {
    assert_eq!(read_yaml("a: 1\n...\nb: 2\n").expect("YAML").ignored_from, Some(3));
    assert_eq!(read_yaml("a: 1\n...\n").expect("YAML").ignored_from, None);
}
