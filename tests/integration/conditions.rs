//! The documentation knows every condition and reason, and no other.

use std::collections::BTreeSet;

use lanyard::api::ConditionReason;

#[test]
fn every_reason_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conditions.md");
    let text = std::fs::read_to_string(page).expect("docs/conditions.md");
    let (conditions, reasons) = text.split_once("## Reasons").expect("a chapter of reasons");
    let words = |text: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(word, _)| word.to_owned())
            .collect()
    };
    let all: BTreeSet<String> =
        ConditionReason::ALL.iter().map(|it| it.as_str().to_owned()).collect();
    assert_eq!(words(reasons), all);
    let types = ["Accepted", "KeysReady", "Programmed", "Ready", "ResolvedRefs", "SecretReady"];
    assert_eq!(words(conditions), types.map(str::to_owned).into());
}
